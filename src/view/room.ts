/** The first items that fit, in characters of JSON; at least one, so that no page is empty. */
export function fitting<T>(items: readonly T[], room: number): T[] {
  let left = room;
  const end = items.findIndex((item) => {
    left -= JSON.stringify(item).length + 1;
    return left < 0;
  });
  return items.slice(0, end < 0 ? items.length : Math.max(1, end));
}

/** The last lines of a text that fit, in characters of JSON; of a longer last line, its end. */
export function lastLines(text: string, room: number): string {
  const lines = text.split('\n');
  let left = room;
  let from = lines.length;
  while (from > 0) {
    left -= JSON.stringify(lines[from - 1]).length;
    if (left < 0) break;
    from--;
  }
  if (from < lines.length || text === '') return lines.slice(from).join('\n');
  let end = (lines.at(-1) ?? '').slice(-room);
  while (JSON.stringify(end).length > room) end = end.slice(Math.ceil(end.length / 16));
  return end.replace(/^[\udc00-\udfff]/, '');
}
