import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { printableJson } from '../format/printable.ts';

/** A refusal of a request, as RFC 9457 has it. `more` is added to the body, and says what would be right. */
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

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

export const problemBody = ({ status, message, more }: Problem): string =>
  printableJson({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, ...more });

export const sendProblem = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply.code(problem.status).type(PROBLEM_TYPE).send(problemBody(problem));
