import stringWidth from 'string-width';
import { coloursOf } from './colours.mjs';

const [CELL, LINE, SIZE, MARGIN] = [8.4, 18, 14, 12];

/**
 * A picture of a terminal, from the output of `tmux capture-pane -e -p`. Shows colours, bold, dim and inverse text.
 * @param theme `dark` or `light`: the colours of a light picture are those of the capture, turned round
 */
export function svgOf(capture, columns, rows, theme = 'dark') {
  return svg(columns, rows, theme, drawRows(capture, rows, theme));
}

/**
 * A moving picture of a terminal, which starts again at its end.
 * @param frames `{ at, capture }`, `at` in ms from 0; the last one stays for `holdMs`
 */
export function filmOf(frames, columns, rows, theme, holdMs = 4_000) {
  const end = (frames.at(-1)?.at ?? 0) + holdMs;
  const shots = frames.map(({ at, capture }) => ({ at, drawn: drawRows(capture, rows, theme) }));
  const spans = new Map();
  for (let y = 0; y < rows; y++) {
    shots.forEach(({ at, drawn }, n) => {
      const row = drawn[y] ?? '';
      if (row === '' || (n > 0 && shots[n - 1].drawn[y] === row)) return;
      const until = shots.slice(n + 1).find((later) => later.drawn[y] !== row)?.at ?? end;
      const times = spans.get(row) ?? [];
      spans.set(row, [...times, [at, until]]);
    });
  }
  // Rows that come and go together share one animation.
  const groups = new Map();
  for (const [row, times] of spans) {
    const key = JSON.stringify(times);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const [rules, body] = [[], []];
  for (const [key, drawn] of groups) {
    const times = JSON.parse(key);
    if (times.length === 1 && times[0][0] === 0 && times[0][1] === end) {
      body.push(...drawn);
      continue;
    }
    const name = `a${rules.length.toString(36)}`;
    rules.push(`@keyframes ${name}{${stopsOf(times, end)}}.${name}{animation-name:${name}}`);
    const last = times.at(-1)?.[1] === end ? ' l' : '';
    body.push(`<g class="f ${name}${last}">${drawn.join('')}</g>`);
  }
  const style = [
    `.f{visibility:hidden;animation:1s step-end infinite;animation-duration:${end}ms}`,
    ...rules,
    // Whoever wants no motion sees the end.
    '@media(prefers-reduced-motion:reduce){.f{animation:none}.l{visibility:visible}}',
  ];
  return svg(columns, rows, theme, [`<style>${style.join('\n')}</style>`, ...body]);
}

function stopsOf(times, end) {
  const percent = (at) => `${Math.round((at / end) * 100_000) / 1000}%`;
  const stops = times.flatMap(([from, until]) => [
    `${percent(from)}{visibility:visible}`,
    ...(until < end ? [`${percent(until)}{visibility:hidden}`] : []),
  ]);
  return stops.join('');
}

function svg(columns, rows, theme, body) {
  const [width, height] = [round(columns * CELL + 2 * MARGIN), round(rows * LINE + 2 * MARGIN)];
  const { back } = coloursOf(theme);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="${SIZE}">`,
    `<style>text{white-space:pre}</style><rect width="100%" height="100%" rx="8" fill="${back}"/>`,
    ...body.filter(Boolean),
    '</svg>\n',
  ].join('\n');
}

/** Each row of the terminal as SVG; empty for a blank one. */
function drawRows(capture, rows, theme) {
  const [style, colours] = [{}, coloursOf(theme)];
  const lines = capture.split('\n').slice(0, rows);
  return lines.map((line, y) => drawLine(runsOf(line, style), y, colours).join(''));
}

/** Splits a line into pieces of one style. `style` carries over from line to line, as in the terminal. */
function runsOf(line, style) {
  const runs = [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences are what is looked for
  for (const [piece, codes] of line.matchAll(/\x1b\[([\d;:]*)m|[^\x1b]+/g)) {
    if (piece.startsWith('\x1b')) apply(style, (codes || '0').split(/[;:]/).map(Number));
    else runs.push(...byWidth(piece).map((text) => ({ text, ...style })));
  }
  return runs;
}

/** A text in pieces of either wide or narrow characters: a font's wide ones must not stretch the others. */
function byWidth(text) {
  const pieces = [];
  let wasWide;
  for (const letter of text) {
    const isWide = stringWidth(letter) > 1;
    if (isWide === wasWide || stringWidth(letter) === 0) pieces.push(`${pieces.pop() ?? ''}${letter}`);
    else pieces.push(letter);
    wasWide = isWide;
  }
  return pieces;
}

function apply(style, codes) {
  for (let n = 0; n < codes.length; n++) {
    const code = codes[n];
    if (code === 0) for (const name of Object.keys(style)) delete style[name];
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 7) style.inverse = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 27) style.inverse = false;
    else if (code === 39) delete style.colour;
    else if (code === 49) delete style.back;
    else if (code === 38 || code === 48) {
      const colour = codes[n + 1] === 5 ? codes[n + 2] : codes.slice(n + 2, n + 5);
      style[code === 38 ? 'colour' : 'back'] = colour;
      n += codes[n + 1] === 5 ? 2 : 4;
    } else if (code >= 30 && code <= 37) style.colour = code - 30;
    else if (code >= 40 && code <= 47) style.back = code - 40;
    else if (code >= 90 && code <= 97) style.colour = code - 82;
    else if (code >= 100 && code <= 107) style.back = code - 92;
  }
}

function drawLine(runs, y, colours) {
  let x = 0;
  return runs.flatMap(({ text, bold, dim, inverse, colour, back }) => {
    const cells = stringWidth(text);
    const [left, wide, top] = [round(MARGIN + x * CELL), round(cells * CELL), MARGIN + y * LINE];
    x += cells;
    const [front, behind] = [colours.inkOf(colour), colours.groundOf(back)];
    const [ink, ground] = inverse ? [behind ?? colours.back, front] : [front, behind];
    const parts = [];
    if (ground !== undefined && ground !== colours.back)
      parts.push(`<rect x="${left}" y="${top}" width="${wide}" height="${LINE}" fill="${ground}"/>`);
    const shown = text.trimEnd();
    if (shown === '') return parts;
    const look = `fill="${ink}"${bold ? ' font-weight="bold"' : ''}${dim ? ' opacity="0.6"' : ''}`;
    // Keeps the width of a cell, whatever the font.
    const length = `textLength="${round(stringWidth(shown) * CELL)}" lengthAdjust="spacingAndGlyphs"`;
    parts.push(`<text x="${left}" y="${top + 13.5}" ${length} ${look}>${escaped(shown)}</text>`);
    return parts;
  });
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(number) {
  return Math.round(number * 10) / 10;
}
