#!/usr/bin/env node
/** Starts the program from Node's compile cache, which halves the time to start. */
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { exitAfterBug } from './cli/process-setup.ts';

enableCompileCache();
const cacheFolder = getCompileCacheDir();
// The sampler thread reads the folder from the environment.
if (cacheFolder !== undefined) process.env['NODE_COMPILE_CACHE'] = cacheFolder;
const { main } = await import('./cli/program.ts');
process.exitCode = await main().catch(exitAfterBug);
