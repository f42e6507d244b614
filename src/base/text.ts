/** Matches nearly every text: nothing needs to be removed. */
const PLAIN = /^[\t\n -~]*$/;
/** Whole escape sequences go first, so that no `[31m` remains. One without an end takes the rest of its line. */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
/** The flags of England, Scotland and Wales: the only tag sequences that are shown as a picture. */
const FLAGS =
  /\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}/u;
/**
 * Characters that a terminal obeys or that are invisible: controls (except tab and newline), separators, annotations,
 * and everything that Unicode calls ignorable: directions, zero widths, tags, fillers. Some carry meaning and are kept:
 * variation selectors right after an emoji or a Mongolian letter, and the fillers in an old Korean syllable.
 */
const UNSAFE = new RegExp(
  [
    `(${FLAGS.source})`,
    String.raw`[^\P{Cc}\t\n]`,
    String.raw`[\u2028\u2029\ufff9-\ufffb]`,
    String.raw`(?<!\p{Emoji})[\ufe0e\ufe0f]`,
    String.raw`(?<![\u1820-\u18aa])[\u180b-\u180d\u180f]`,
    String.raw`\u115f(?![\u1161-\u11a7])|(?<![\u1100-\u115e])\u1160`,
    String.raw`(?![\u034f\u115f\u1160\u180b-\u180d\u180f\u200c\u200d\ufe0e\ufe0f\ufeff])\p{Default_Ignorable_Code_Point}`,
  ].join('|'),
  'gu',
);
/**
 * Joiners (in Persian and Hindi words and emoji families) carry meaning after a letter, a mark or an emoji. Only the
 * first of a run does, and a run can hide text.
 */
const JOINERS =
  /(?<=[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}])([\u034f\u200c\u200d])[\u034f\u200c\u200d]*|[\u034f\u200c\u200d]+/gu;
/** The zero-width no-break space: older texts join words with it. Anywhere else it is a stray byte order mark. */
const INNER = /(?<=[\p{L}\p{M}])(\ufeff)(?=[\p{L}\p{M}])|\ufeff+/gu;
/** No language has more than 8 marks on a letter (Tibetan); hundreds of them would cover other lines. */
const HEAPS = /((?:\p{M}[\u200c\u200d]?){8})[\u200c\u200d]*\p{M}[\p{M}\u200c\u200d]*/gu;
/** Characters to escape in JSON: those that a terminal obeys, or that are invisible. */
const UNSEEN = /[\u007f-\u009f\u2028\u2029\ufff9-\ufffb]|\p{Cf}|\p{Default_Ignorable_Code_Point}/gu;

/**
 * Foreign text made harmless for a screen, a pane, a log or a model: no escape sequence, no control character and
 * nothing invisible, except in words and emoji.
 */
export function clean(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .toWellFormed()
    .replace(SEQUENCES, '')
    .replace(UNSAFE, '$1')
    .replace(JOINERS, '$1')
    .replace(INNER, '$1')
    .replace(HEAPS, '$1');
}

/** A copy of a plain value with every text in it made harmless. */
export function cleanAll<T>(value: T): T {
  if (typeof value === 'string') return clean(value) as T;
  if (Array.isArray(value)) return value.map((item) => cleanAll(item)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, cleanAll(field)])) as T;
}

/** JSON on one line, harmless on a terminal: invisible characters are escaped. */
export function harmlessJson(value: unknown): string {
  return JSON.stringify(value)
    .replace(UNSEEN, escaped)
    .replace(HEAPS, (all, first: string) => first + escaped(all.slice(first.length)));
}

function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** Foreign text made harmless, on one line of at most `max` characters. */
export function cleanLine(text: string, max: number): string {
  const line = clean(text).replace(/\s+/g, ' ').trim();
  return line.length > max ? `${sliceUnits(line, 0, max - 1)}…` : line;
}

/** `text.slice(start, end)` in UTF-16 units that never splits a surrogate pair. */
export function sliceUnits(text: string, start: number, end: number): string {
  const splits = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1));
  return ownCopy(text.slice(start, splits ? end - 1 : end));
}

/** A copy that does not keep a longer text in memory: V8 keeps the whole text, say 1 MB, for each slice of it. */
export function ownCopy(text: string): string {
  return JSON.parse(JSON.stringify(text));
}

/** The end of a text that takes at most `bytes` bytes as JSON. */
export function tailWithin(text: string, bytes: number): string {
  let tail = text.slice(-bytes);
  while (Buffer.byteLength(JSON.stringify(tail)) > bytes) tail = tail.slice(Math.ceil(tail.length / 16));
  return tail.replace(/^[\udc00-\udfff]/, '');
}

/** A count with its noun: `1 job`, `2 jobs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A size for people, such as `12.3 KB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let size = bytes / 1024;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${size.toFixed(1)} ${units[unit]}`;
}

/** The first of several names, and how many more there are. @param most how many are named */
export function someOf(names: readonly (string | number)[], most: number): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Explains how characters are counted, where that may surprise. */
export function unitsNote(text: string): string {
  return text.length === [...text].length ? '' : ' (in UTF-16: an emoji counts as two)';
}

/** A whole number with its thousands set apart: `toLocaleString` would take 20 ms of every first call. */
export function grouped(whole: number): string {
  return String(whole).replace(/\B(?=(\d{3})+$)/g, ',');
}
