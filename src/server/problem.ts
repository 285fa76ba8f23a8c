import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { UserError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { printableJson } from '../format/printable.ts';
import type { App } from './route.ts';

/** An error response (RFC 9457). `more` is added to the body. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly more: { readonly [member: string]: unknown };

  constructor(status: number, detail: string, more: { readonly [member: string]: unknown } = {}) {
    super(detail);
    this.status = status;
    this.more = more;
  }
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

const problemBody = ({ status, message, more }: Problem): string =>
  printableJson({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, ...more });

const sendProblem = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply.code(problem.status).type(PROBLEM_TYPE).send(problemBody(problem));

/** Sends every error as application/problem+json. Internal errors reveal no details. */
export function answerErrors(app: App, log: Log): void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const routeMethod of [method].flat()) known.add(routeMethod);
    methods.set(url, known);
  });

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = methods.get(path);
    if (allowed === undefined)
      return sendProblem(reply, new Problem(404, `there is nothing at ${path}; see /api/v1/openapi.json`));
    const allow = [...allowed].sort().join(', ');
    reply.header('allow', allow);
    return sendProblem(reply, new Problem(405, `${path} takes ${allow}`, { allow: [...allowed].sort() }));
  });

  app.setErrorHandler((error, request, reply) => answerError(error, { request, reply, log }));
}

type Context = { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly log: Log };

export function answerError(error: unknown, { request, reply, log }: Context): FastifyReply {
  const problem = problemOf(error);
  if (problem.status === 500) {
    log(
      'error',
      `${request.method} ${request.url}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="rollwatch"');
  return sendProblem(reply, problem);
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof UserError) return new Problem(400, error.message);
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
  if (status === 413) return new Problem(413, 'the body is too large');
  if (status === 415) return new Problem(415, 'the body must be application/json');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(status, error instanceof Error ? error.message : 'the request is not valid');
  }
  return new Problem(500, 'this is a bug in Rollwatch; see its log');
}

type ClientError = Error & { readonly code: string; readonly rawPacket?: unknown };

/** Answers a message that is not a valid HTTP request. */
export function answerClientError(error: ClientError, socket: Socket): void {
  const problem = clientProblem(error.code);
  if (!socket.writable) return;
  const body = problemBody(problem);
  const title = STATUS_CODES[problem.status] ?? 'Error';
  const head = `HTTP/1.1 ${problem.status} ${title}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}`;
  const raw: unknown = error.rawPacket;
  const toHead = Buffer.isBuffer(raw) && raw.subarray(0, 5).toString() === 'HEAD ';
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${toHead ? '' : body}`);
}

function clientProblem(code: string): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem(431, 'the headers are too long');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem(408, 'the request did not arrive in time');
  return new Problem(400, 'this is not a valid HTTP/1.1 request');
}
