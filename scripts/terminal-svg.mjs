import stringWidth from 'string-width';

const [CELL, LINE, SIZE, MARGIN] = [8.4, 18, 14, 12];
const [BACK, FRONT] = ['#1b1f27', '#d7dae0'];
const COLOURS = ['#4b5263', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#d7dae0'];

/** A picture of a terminal: the output of `tmux capture-pane -e -p` as SVG. Supports colours, bold, dim and inverse. */
export function svgOf(capture, columns, rows) {
  const [width, height] = [columns * CELL + 2 * MARGIN, rows * LINE + 2 * MARGIN];
  const style = {};
  const body = capture
    .split('\n')
    .slice(0, rows)
    .flatMap((line, y) => drawLine(runsOf(line, style), y));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="${SIZE}">`,
    `<rect width="100%" height="100%" rx="8" fill="${BACK}"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

/** Splits a line into pieces of one style. `style` carries over from line to line, as in the terminal. */
function runsOf(line, style) {
  const runs = [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences are what is looked for
  for (const [piece, codes] of line.matchAll(/\x1b\[([\d;]*)m|[^\x1b]+/g)) {
    if (piece.startsWith('\x1b'))
      for (const code of (codes || '0').split(';').map(Number)) apply(style, code);
    else runs.push({ text: piece, ...style });
  }
  return runs;
}

function apply(style, code) {
  if (code === 0) for (const name of Object.keys(style)) delete style[name];
  else if (code === 1) style.bold = true;
  else if (code === 2) style.dim = true;
  else if (code === 7) style.inverse = true;
  else if (code === 22) style.bold = style.dim = false;
  else if (code === 27) style.inverse = false;
  else if (code === 39) delete style.colour;
  else if (code >= 30 && code <= 37) style.colour = COLOURS[code - 30];
}

function drawLine(runs, y) {
  let x = 0;
  return runs.flatMap(({ text, bold, dim, inverse, colour = FRONT }) => {
    const cells = stringWidth(text);
    const [left, wide, top] = [round(MARGIN + x * CELL), round(cells * CELL), MARGIN + y * LINE];
    x += cells;
    const parts = [];
    if (inverse)
      parts.push(`<rect x="${left}" y="${top}" width="${wide}" height="${LINE}" fill="${colour}"/>`);
    if (text.trim() === '') return parts;
    const look = [
      `fill="${inverse ? BACK : colour}"`,
      bold ? ' font-weight="bold"' : '',
      dim ? ' opacity="0.6"' : '',
    ].join('');
    // Keeps the width of a cell, whatever the font.
    const place = `x="${left}" y="${top + 13.5}" textLength="${wide}" lengthAdjust="spacingAndGlyphs"`;
    parts.push(`<text ${place} ${look} xml:space="preserve">${escaped(text)}</text>`);
    return parts;
  });
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(number) {
  return Math.round(number * 10) / 10;
}
