#!/usr/bin/env node
// Prints one line on an old Node.js, on which the program itself would end in a SyntaxError. Node.js 10 must be able to
// read this file: CommonJS, and no syntax newer than 2018.
'use strict';

const wanted = require('../package.json').engines.node.replace(/\D/g, '');

if (Number(process.versions.node.split('.')[0]) < Number(wanted)) {
  process.stderr.write(
    `rollwatch: needs Node.js ${wanted} or newer, but ${process.execPath} is ${process.version}; see https://nodejs.org/\n`,
  );
  process.exitCode = 2;
} else {
  import('../dist/main.js');
}
