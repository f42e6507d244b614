// Loaded before the program with `node --require`: the machine goes by another name from now on.
const os = require('node:os');
const { syncBuiltinESMExports } = require('node:module');

os.hostname = () => 'renamed.example.org';
syncBuiltinESMExports();
