/**
 * A kind whose agent says why, and exits with code 3. It exits after the terminal has answered a cursor query: by then
 * tmux has read its output (if a program exits immediately, tmux 3.3a occasionally loses its last output).
 */
export function failingAgent(words: string) {
  const heard = String.raw`stty -icanon -echo min 1; printf '\033[6n'; head -c 4 >/dev/null`;
  return { session: 'failing', command: ['sh', '-c', `echo "${words}"; ${heard}; exit 3`], ready: '^x$' };
}
