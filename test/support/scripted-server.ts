import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type ScriptedServer = {
  readonly url: string;
  readonly port: number;
  /** Closes all connections. */
  cut(how?: 'reset' | 'end'): void;
  close(): Promise<void>;
};

/** Starts an HTTP server on a free loopback port with scripted behaviour. */
export const serveHttp = (listener: RequestListener): Promise<ScriptedServer> =>
  listen(createServer({ keepAliveTimeout: 60_000 }, listener), 'http');

export const serveTls = (certificate: Certificate, listener: RequestListener): Promise<ScriptedServer> =>
  listen(createTlsServer(certificate, listener), 'https');

/** Starts a raw TCP server, for behaviour that no HTTP server has. */
export const serveTcp = (onSocket: (socket: Socket) => void): Promise<ScriptedServer> =>
  listen(createTcpServer(onSocket), 'http');

async function listen(server: Server | TcpServer, protocol: string): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = addressOf(server);
  const cut = (how: 'reset' | 'end' = 'reset') => {
    for (const socket of sockets) how === 'reset' ? socket.resetAndDestroy() : socket.destroy();
  };
  return {
    url: `${protocol}://127.0.0.1:${port}`,
    port,
    cut,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut('end');
      await closed;
    },
  };
}

function addressOf(server: Server | TcpServer): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return address;
}

export type Certificate = { readonly key: string; readonly cert: string };

/** Creates a self-signed certificate with openssl. */
export function selfSigned(name: string, { days = 2 }: { days?: number } = {}): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${/^[\d.]+$/.test(name) ? 'IP' : 'DNS'}:${name}`];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)];
  try {
    execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
