/**
 * A kind whose agent says why, and ends with code 3. It ends when the terminal has answered a question for the cursor:
 * by then tmux has read its words (of a program that ends at once, tmux 3.3a loses the last words now and then).
 */
export function failingAgent(words: string) {
  const heard = String.raw`stty -icanon -echo min 1; printf '\033[6n'; head -c 4 >/dev/null`;
  return { session: 'failing', command: ['sh', '-c', `echo "${words}"; ${heard}; exit 3`], ready: '^x$' };
}
