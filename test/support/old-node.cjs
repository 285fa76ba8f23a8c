// node --require: gives itself out for a Node.js that is too old for Rollwatch.
'use strict';

Object.defineProperty(process, 'version', { value: 'v20.11.0' });
Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.0' } });
