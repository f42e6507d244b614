/**
 * `require` of a file beside main.js, with V8's compiled code kept beside it: a third of a cold start is compilation.
 * The build puts this function into main.js. A cache that is missing, or of another Node, is made anew at the end of the
 * process, where the folder can be written; its name carries the file's time and size, since V8 itself compares no more
 * than the length.
 */
// biome-ignore lint/correctness/noUnusedVariables: called in main.js, where the build puts it
function loadCached(name) {
  const fs = require('node:fs');
  const path = require('node:path');
  const vm = require('node:vm');
  const file = path.join(__dirname, name);
  const { mtimeMs, size } = fs.statSync(file);
  const cache = `${file}.${Math.round(mtimeMs).toString(36)}-${size.toString(36)}.cache`;
  let cachedData;
  try {
    cachedData = fs.readFileSync(cache);
  } catch {
    // The first start.
  }
  const source = `(function (exports, require, module, __filename, __dirname, __import) {${fs.readFileSync(file, 'utf8')}\n})`;
  const script = new vm.Script(source, { filename: file, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) {
    process.once('exit', () => {
      try {
        const fresh = `${cache}.${process.pid}`;
        fs.writeFileSync(fresh, script.createCachedData());
        fs.renameSync(fresh, cache);
      } catch {
        // A folder of the system's: then every start compiles.
      }
    });
  }
  const module = { exports: {} };
  // A compiled script has no import() of its own; main.js lies in the same folder and lends its.
  script.runInThisContext()(module.exports, require, module, file, __dirname, (path) => import(path));
  return module.exports;
}
