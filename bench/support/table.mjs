/** Rows as a table in Markdown. */
export function table(rows) {
  const lines = [
    '| bench | what | min | p50 | p99 | floor min | floor p50 | ratio min | ratio p50 | to reach | |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  for (const { bench, what, value, unit, floor, goal, reached, note } of rows) {
    const cells = [
      bench,
      note === undefined ? what : `${what} (${note})`,
      `${number(value.min)} ${unit}`,
      number(value.p50),
      number(value.p99),
      floor === undefined ? '' : `${number(floor.min)} ${unit}`,
      floor === undefined ? '' : number(floor.p50),
      floor === undefined ? '' : number(value.min / floor.min),
      floor === undefined ? '' : number(value.p50 / floor.p50),
      goal ?? '',
      reached === undefined ? '' : reached ? 'yes' : 'NO',
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

/** Three digits are all that this machine's noise allows. */
function number(value) {
  if (!Number.isFinite(value)) return '';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}
