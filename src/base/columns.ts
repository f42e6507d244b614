const PLAIN = /^[ -~]*$/;
/** Pictures made of several: flags, and what joiners make one of. Each takes two columns. */
const PICTURES =
  /\p{RI}{2}|\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)+/gu;
/** Characters that take two columns of a terminal. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18df2}\u{1aff0}-\u{1affe}\u{1b000}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/**
 * Characters that take none: marks that stand above or below their letter (those of Hindi and Tamil that stand beside it
 * take one), joiners, and what stands below or behind the first letter of a Korean syllable.
 */
const NONE = /[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}\u1160-\u11ff]/u;

/** How many columns of a terminal a harmless text of one line takes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const character of text.replace(PICTURES, '🙂'))
    columns += NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}
