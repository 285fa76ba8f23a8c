import { z } from 'zod';
import type { Processes } from '../faults/processes.ts';
import {
  type Answer,
  headerOf,
  json,
  parsed,
  type Reply,
  type Request,
  requestId,
  withHeaders,
} from '../http/answer.ts';
import { createRouter, type Route } from '../http/route.ts';
import type { Pace } from '../time-scale.ts';
import { SERVICE_REQUEST, TOKEN_ISSUE } from '../timings.ts';
import { applicationCredentialRoutes } from './application-credentials.ts';
import { authSchema, grant } from './auth-request.ts';
import type { CatalogueEntry } from './catalogue.ts';
import type { Identity } from './identity.ts';
import type { Token, Tokens } from './tokens.ts';

export type KeystoneOptions = {
  readonly identity: Identity;
  readonly tokens: Tokens;
  readonly catalogue: readonly CatalogueEntry[];
  readonly pace: Pace;
  readonly processes: Processes;
  /** With the trailing '/v3'. */
  readonly url: string;
};

export type KeystoneContext = { readonly request: Request; readonly token: Token | null };

export const keystoneError = (code: number, title: string, message: string): Answer =>
  json(code, { error: { code, message, title } });

const MALFORMED =
  'The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.';

const python = (ms: number): string => new Date(ms).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');

export function createKeystone(options: KeystoneOptions): (request: Request, signal: AbortSignal) => Promise<Reply> {
  const { identity, tokens, catalogue, pace, processes, url } = options;
  const denied = withHeaders(keystoneError(401, 'Unauthorized', 'The request you have made requires authentication.'), {
    'WWW-Authenticate': `Keystone uri="${url}"`,
  });
  const version = {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${url}/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  };

  const describe = (token: Token) => ({
    token: {
      methods: token.methods,
      user: { domain: identity.domain, id: token.user.id, name: token.user.name, password_expires_at: null },
      audit_ids: [token.auditId],
      // One that ends with its application credential says so without a zone, and means UTC.
      expires_at: token.limited ? python(token.expiresAt).slice(0, 19) : python(token.expiresAt),
      issued_at: python(token.issuedAt),
      ...(token.project === null
        ? {}
        : {
            project: { domain: identity.domain, ...token.project },
            is_domain: false,
            roles: identity.rolesOf(token.user),
            catalog: catalogue,
          }),
    },
  });

  const project = (one: { readonly id: string; readonly name: string }) => ({
    ...one,
    domain_id: identity.domain.id,
    description: '',
    enabled: true,
    parent_id: identity.domain.id,
    is_domain: false,
    tags: [],
    options: {},
    links: { self: `${url}/projects/${one.id}` },
  });

  const user = (one: { readonly id: string; readonly name: string }) => ({
    id: one.id,
    name: one.name,
    domain_id: identity.domain.id,
    enabled: true,
    password_expires_at: null,
    options: {},
    links: { self: `${url}/users/${one.id}` },
  });

  async function issue({ request }: KeystoneContext): Promise<Reply> {
    const body = parsed(request.body);
    if (body === undefined) {
      return keystoneError(400, 'Bad Request', `Expecting to find valid JSON in request body. ${MALFORMED}`);
    }
    const asked = authSchema.safeParse(body);
    if (!asked.success) {
      const missing = z.object({ auth: z.unknown() }).safeParse(body).success ? 'valid auth' : 'auth';
      return keystoneError(400, 'Bad Request', `Expecting to find ${missing} in request body. ${MALFORMED}`);
    }
    await pace.wait(TOKEN_ISSUE);
    const granted = grant(asked.data, { identity, tokens });
    if (granted === null) return denied;
    if (granted === 'no such credential') {
      return missing('Application Credential', asked.data.auth.identity.application_credential?.id ?? '');
    }
    if (granted === 'no scope') {
      const why = 'Application credentials cannot request a scope.';
      return keystoneError(401, 'Unauthorized', `Error authenticating with application credential: ${why}`);
    }
    const token = tokens.issue(granted);
    return json(201, describe(token), { 'X-Subject-Token': token.id });
  }

  /** For those who have a token; anyone else is turned away. */
  const known = (
    method: string,
    path: string,
    answer: (token: Token, context: KeystoneContext, id: string) => Reply,
  ) => ({
    method,
    path,
    answer: (context: KeystoneContext, [id = '']: readonly string[]) =>
      context.token === null ? denied : answer(context.token, context, id),
  });

  const admin = (token: Token) => token.user.name === 'admin';
  const forbidden = (rule: string) =>
    keystoneError(403, 'Forbidden', `You are not authorized to perform the requested action: ${rule}.`);
  const missing = (what: string, id: string) => keystoneError(404, 'Not Found', `Could not find ${what}: ${id}.`);
  const subject = ({ request }: KeystoneContext) => headerOf(request, 'x-subject-token') ?? '';
  const unknownToken = keystoneError(404, 'Not Found', 'Could not recognize Fernet token');

  const routes: readonly Route<KeystoneContext>[] = [
    {
      method: 'GET',
      path: '/',
      answer: () => json(300, { versions: { values: [version] } }, { Location: `${url}/` }),
    },
    { method: 'GET', path: '/v3', answer: () => json(200, { version }) },
    { method: 'POST', path: '/v3/auth/tokens', answer: issue },
    known('GET', '/v3/auth/tokens', (_token, context) => {
      const token = tokens.valid(subject(context));
      return token === null ? unknownToken : json(200, describe(token), { 'X-Subject-Token': token.id });
    }),
    known('DELETE', '/v3/auth/tokens', (_token, context) => {
      if (tokens.valid(subject(context)) === null) return unknownToken;
      tokens.revoke(subject(context));
      return { status: 204, headers: {}, body: '' };
    }),
    known('GET', '/v3/auth/catalog', () => json(200, { catalog: catalogue, links: { self: `${url}/auth/catalog` } })),
    known('GET', '/v3/auth/projects', (token) => json(200, { projects: [project(token.user.project)], links: {} })),
    known('GET', '/v3/projects', (token, { request }) => {
      if (!admin(token)) return forbidden('identity:list_projects');
      const name = request.url.searchParams.get('name');
      return json(200, {
        projects: identity.projects.filter((one) => name === null || one.name === name).map(project),
        links: {},
      });
    }),
    known('GET', '/v3/projects/:id', (token, _context, id) => {
      const found = identity.projects.find((one) => one.id === id);
      if (found === undefined) return missing('project', id);
      return admin(token) || token.user.project.id === id
        ? json(200, { project: project(found) })
        : forbidden('identity:get_project');
    }),
    known('GET', '/v3/users', (token, { request }) => {
      if (!admin(token)) return forbidden('identity:list_users');
      const name = request.url.searchParams.get('name');
      return json(200, {
        users: identity.users.filter((one) => name === null || one.name === name).map(user),
        links: {},
      });
    }),
    known('GET', '/v3/users/:id', (token, _context, id) => {
      const found = identity.users.find((one) => one.id === id);
      if (found === undefined) return missing('user', id);
      return admin(token) || token.user.id === id ? json(200, { user: user(found) }) : forbidden('identity:get_user');
    }),
    known('GET', '/v3/services', (token) => {
      if (!admin(token)) return forbidden('identity:list_services');
      return json(200, {
        services: catalogue.map(({ id, name, type }) => ({ id, name, type, enabled: true })),
        links: {},
      });
    }),
    known('GET', '/v3/endpoints', (token) => {
      if (!admin(token)) return forbidden('identity:list_endpoints');
      const endpoints = catalogue.flatMap((one) =>
        one.endpoints.map((end) => ({ ...end, service_id: one.id, enabled: true })),
      );
      return json(200, { endpoints, links: {} });
    }),
    ...applicationCredentialRoutes(identity, { known, url }),
  ];
  const find = createRouter(routes);
  const stamp = (reply: Reply): Reply =>
    typeof reply === 'string'
      ? reply
      : withHeaders(reply, { Vary: 'X-Auth-Token', 'x-openstack-request-id': requestId() });

  return async (request, signal) => {
    const found = find(request);
    const versions = request.url.pathname === '/' || request.url.pathname.startsWith('/v3') === false;
    // Without its database Keystone closes the connection and says nothing.
    if (!versions && !processes.up('mariadb')) return 'closed';
    await pace.wait(SERVICE_REQUEST.keystone, signal);
    if (found === null) {
      return stamp({
        status: 404,
        headers: { 'Content-Type': 'text/html; charset=utf-8' },
        body: '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n',
      });
    }
    const token = tokens.valid(headerOf(request, 'x-auth-token') ?? '');
    return stamp(await found.route.answer({ request, token }, found.parameters));
  };
}
