/**
 * `require` of a file of dist/, with V8's compiled code kept beside it: compilation is a third of a cold start, and half
 * of what a hub's start takes. The build puts this function into main.js, which hands it to every file that it loads.
 * A cache that is missing, or of another Node, is made anew at the end of the process, where the folder can be written;
 * its name carries the file's time and size, since V8 itself compares no more than the length.
 * @param name a path that begins with ./, from `folder`
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
  // A compiled script has no import() of its own; main.js lends its.
  const importHere = (wanted) => import(path.join(here, wanted));
  script.runInThisContext()(module.exports, requireHere, module, file, here, importHere);
  return module.exports;
}

/** Writes what this process had to compile. */
function keepCompiled() {
  const fs = require('node:fs');
  for (const [cache, script] of load.fresh) {
    try {
      const fresh = `${cache}.${process.pid}`;
      fs.writeFileSync(fresh, script.createCachedData());
      fs.renameSync(fresh, cache);
    } catch {
      // A folder of the system's: then every start compiles.
    }
  }
}
