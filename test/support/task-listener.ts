import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const schema = z.object({ tasks: z.array(z.looseObject({ id: z.string(), name: z.string(), status: z.string() })) });

export type ReportedTask = z.infer<typeof schema>['tasks'][number];

type ReceivedRequest = {
  readonly authorization: string | undefined;
  readonly heartbeat: string | string[] | undefined;
  readonly body: string;
};

/** Stands in for a daemon that receives tasks: keeps each request, and responds as configured. */
export type TaskListener = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** The status of the next responses; null if the listener never responds. */
  answer: number | null;
  readonly requests: readonly ReceivedRequest[];
  /** The latest report of each task, in order of the first reports. */
  tasks(): readonly ReportedTask[];
  /** Waits until this many tasks have ended. */
  ended(count: number): Promise<readonly ReportedTask[]>;
};

export async function listenForTasks({ port = 0 } = {}): Promise<TaskListener> {
  const requests: ReceivedRequest[] = [];
  const reported = new Map<string, ReportedTask>();
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { authorization, 'rollwatch-heartbeat': heartbeat } = request.headers;
    requests.push({ authorization, heartbeat, body });
    const status = listener.answer;
    if (status === null) return;
    if (status < 300) for (const task of schema.parse(JSON.parse(body)).tasks) reported.set(task.id, task);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end('{}');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const listener: TaskListener = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    answer: 200,
    requests,
    tasks: () => [...reported.values()],
    async ended(count) {
      const all = () => [...reported.values()];
      while (all().filter(({ status }) => status !== 'running').length < count) await delay(20);
      return all();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return listener;
}
