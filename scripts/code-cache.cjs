/**
 * `require` for a file of dist/, with V8's compiled code cached next to it: compilation is a third of a cold start, and
 * half of a hub's start. The build puts this function into main.js, which passes it to every file that it loads. A
 * cache that is missing, or from another Node, is written again at the end of the process, if the folder is writable;
 * its name includes the file's time and size, since V8 itself compares only the length.
 * @param name a path that starts with ./, relative to `folder`
 * @returns what the file exports
 */
function load(name, folder = __dirname) {
  const fs = require('node:fs');
  const path = require('node:path');
  const vm = require('node:vm');
  load.modules ??= new Map();
  const file = path.join(folder, name);
  const loaded = load.modules.get(file);
  if (loaded !== undefined) return loaded.exports;
  const module = { exports: {} };
  load.modules.set(file, module);
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
    load.fresh ??= [];
    if (load.fresh.push([cache, script]) === 1) process.once('exit', keepCompiled);
  }
  const here = path.dirname(file);
  const requireHere = (wanted) => (/^\.\/.*\.js$/.test(wanted) ? load(wanted, here) : require(wanted));
  // A compiled script has no import(), so it uses the one of main.js.
  const importHere = (wanted) => import(path.join(here, wanted));
  script.runInThisContext()(module.exports, requireHere, module, file, here, importHere);
  return module.exports;
}

/** Writes the code that this process had to compile. */
function keepCompiled() {
  const fs = require('node:fs');
  for (const [cache, script] of load.fresh) {
    try {
      const fresh = `${cache}.${process.pid}`;
      fs.writeFileSync(fresh, script.createCachedData());
      fs.renameSync(fresh, cache);
    } catch {
      // The folder is not writable: then every start compiles.
    }
  }
}
