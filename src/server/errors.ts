import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { UserError } from '../domain/user-error.ts';
import { Problem, sendProblem } from './problem.ts';

type Log = (level: 'info' | 'warn' | 'error', message: string) => void;

/** Every error is sent as application/problem+json; errors of the server reveal nothing internal. */
export function answerErrors(app: FastifyInstance, log: Log): void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const one of [method].flat()) known.add(one);
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
  if (status === 413) return new Problem(413, 'the body is larger than is taken here');
  if (status === 415) return new Problem(415, 'a body has to be application/json');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(status, error instanceof Error ? error.message : 'the request is not valid');
  }
  return new Problem(500, 'a bug in Rollwatch: see its log');
}
