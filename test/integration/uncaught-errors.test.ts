import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const SECRET = 'PLANTED-PASSWORD-9c1d';
const PROCESS_SETUP = JSON.stringify(new URL('../../src/cli/process-setup.ts', import.meta.url).href);

/** As axios throws it: the request is a member. */
const LIBRARY_ERROR = `Object.assign(new Error('Request failed\\nwith more'), {
  code: 'ERR_X', config: { data: '${SECRET}', headers: { 'X-Auth-Token': '${SECRET}' } }, cause: new Error('${SECRET}'),
})`;

async function run(program: string) {
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; stderr: string; stdout: string }>();
  execFile(
    process.execPath,
    ['--input-type=module', '-e', `import ${PROCESS_SETUP};\n${program}`],
    (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stderr, stdout }),
  );
  return promise;
}

describe('an uncaught library error', () => {
  it.each([
    ['is thrown', `setTimeout(() => { throw ${LIBRARY_ERROR}; }, 1);`],
    ['is rejected with', `setTimeout(() => { Promise.reject(${LIBRARY_ERROR}); }, 1);`],
    ['is emitted', `import { EventEmitter } from 'node:events'; new EventEmitter().emit('error', ${LIBRARY_ERROR});`],
    ['ends a module', `throw ${LIBRARY_ERROR};`],
    [
      'comes from a thread',
      `import { Worker } from 'node:worker_threads';
       new Worker("throw ${LIBRARY_ERROR.replaceAll('\n', ' ').replaceAll('\\n', '\\\\n')}", { eval: true });`,
    ],
  ])('%s: prints one line without the members of the error', async (_how, program) => {
    const { code, stderr, stdout } = await run(program);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^rollwatch: this is a bug, please report it: Error \[ERR_X\]: Request failed with more.*\n$/,
    );
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain(SECRET);
  });

  it.each([['{ password: process.argv[0] }'], ['undefined'], ['Object.create(null)'], ["'text'"], ['Symbol()']])(
    'may be anything: %s',
    async (thrown) => {
      const { code, stderr } = await run(`setTimeout(() => { throw ${thrown}; }, 1);`);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^rollwatch: this is a bug, please report it: .+\n$/);
      expect(stderr).not.toContain(process.execPath);
    },
  );
});
