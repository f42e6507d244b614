// Loaded before the server with `node --require`: writes every line of its stdin and stdout, with the process's own id
// and its parent's, to the file MAM_TAP. A hub that the server starts inherits this and is left alone.
const { appendFileSync } = require('node:fs');

const { MAM_TAP: path } = process.env;
if (path !== undefined && process.argv.length === 2) {
  const note = (way) => {
    let rest = '';
    return (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines.filter(Boolean)) {
        const { pid, ppid } = process;
        appendFileSync(path, `${JSON.stringify({ at: Date.now(), pid, ppid, [way]: JSON.parse(line) })}\n`);
      }
    };
  };
  const [heard, said] = [note('in'), note('out')];
  const { emit } = process.stdin;
  process.stdin.emit = function (event, ...args) {
    if (event === 'data') heard(args[0]);
    return emit.call(this, event, ...args);
  };
  const { write } = process.stdout;
  process.stdout.write = function (chunk, ...args) {
    said(chunk);
    return write.call(this, chunk, ...args);
  };
}
