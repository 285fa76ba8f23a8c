#!/usr/bin/env node
// Tells an old Node.js in one line what is needed, where the program itself would end in a SyntaxError. Node.js 10 must
// be able to read this file: CommonJS, and no syntax newer than 2018.
'use strict';

const wanted = require('../package.json').engines.node.replace(/\D/g, '');

if (Number(process.versions.node.split('.')[0]) < Number(wanted)) {
  process.stderr.write(
    `rollwatch: needs Node.js ${wanted} or newer, and ${process.execPath} is ${process.version}; see https://nodejs.org/\n`,
  );
  process.exitCode = 2;
} else {
  import('../dist/main.js');
}
