#!/usr/bin/env node
/** Starts the program with what Node compiled last time, in half the time; `program.ts` is where it begins. */
import './cli/blocking-stdio.ts';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { endAfterBug } from './cli/last-resort.ts';

enableCompileCache();
const cache = getCompileCacheDir();
// The sampler's thread takes it from here.
if (cache !== undefined) process.env['NODE_COMPILE_CACHE'] = cache;
const { main } = await import('./cli/program.ts');
process.exitCode = await main().catch(endAfterBug);
