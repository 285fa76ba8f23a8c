import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export type FloodServer = { readonly url: string; close(): Promise<unknown> };

/**
 * Starts a server in its own thread, so that the test does not slow it down. After a request it sends `head`, then
 * `piece` repeatedly without a pause until the connection is closed.
 */
export async function serveFlood({
  head = '',
  piece,
}: {
  readonly head?: string;
  readonly piece: string;
}): Promise<FloodServer> {
  const code = `
    const { parentPort, workerData: { head, piece } } = require('node:worker_threads');
    const flood = Buffer.from(piece.repeat(Math.max(1, Math.floor(262144 / piece.length))), 'latin1');
    require('node:net').createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        if (head !== '') socket.write(head);
        const send = () => { while (!socket.destroyed && socket.write(flood)); };
        socket.on('drain', send);
        send();
      });
    }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });`;
  const worker = new Worker(code, { eval: true, workerData: { head, piece } });
  const [port] = await once(worker, 'message');
  return { url: `http://127.0.0.1:${port}`, close: () => worker.terminate() };
}
