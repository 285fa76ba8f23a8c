import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Answer, json, parsed, type Reply, type Request } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { type ApplicationCredential, hexId, type Identity } from './identity.ts';
import type { Token } from './tokens.ts';

type Context = { readonly request: Request; readonly token: Token | null };
type Known = (
  method: string,
  path: string,
  answer: (token: Token, context: Context, id: string) => Reply,
) => Route<Context>;

const bodySchema = z.object({
  application_credential: z.object({
    name: z.string().min(1),
    secret: z.string().optional(),
    description: z.string().nullish(),
    expires_at: z.string().nullish(),
  }),
});

const failure = (code: number, title: string, message: string): Answer =>
  json(code, { error: { code, message, title } });

/** A user's application credentials, for their owner. */
export function applicationCredentialRoutes(
  identity: Identity,
  { known, url }: { readonly known: Known; readonly url: string },
): readonly Route<Context>[] {
  const path = '/v3/users/:id/application_credentials';

  const show = ({ id, name, user, description, expiresAt }: ApplicationCredential) => ({
    id,
    name,
    description,
    user_id: user.id,
    project_id: user.project.id,
    roles: identity.rolesOf(user).map((role) => ({ ...role, domain_id: null })),
    expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString().replace('Z', '000'),
    unrestricted: null,
    system: null,
    links: { self: `${url}/application_credentials/${id}` },
  });

  const mine = (token: Token) => [...identity.credentials.values()].filter((one) => one.user.id === token.user.id);
  const forbidden = failure(403, 'Forbidden', 'You are not authorized to perform the requested action.');

  function create(token: Token, { request }: Context, owner: string): Reply {
    if (owner !== token.user.id || token.methods.includes('application_credential')) return forbidden;
    const body = bodySchema.safeParse(parsed(request.body));
    if (!body.success) return failure(400, 'Bad Request', "Invalid input for field 'application_credential'.");
    const asked = body.data.application_credential;
    if (mine(token).some((one) => one.name === asked.name)) {
      return failure(
        409,
        'Conflict',
        `Conflict occurred attempting to store application_credential - Duplicate entry found with name ${asked.name}.`,
      );
    }
    // Keystone takes a moment without a zone for UTC.
    const expiresAt = asked.expires_at == null ? null : Date.parse(`${asked.expires_at.replace(/Z$/, '')}Z`);
    const credential = {
      id: hexId(),
      name: asked.name,
      secret: asked.secret ?? randomBytes(64).toString('base64url'),
      user: token.user,
      description: asked.description ?? null,
      expiresAt,
    };
    identity.credentials.set(credential.id, credential);
    return json(201, { application_credential: { ...show(credential), secret: credential.secret } });
  }

  return [
    known('POST', path, create),
    known('GET', path, (token, { request }) => {
      const name = request.url.searchParams.get('name');
      const found = mine(token).filter((one) => name === null || one.name === name);
      return json(200, { application_credentials: found.map(show), links: { self: url, previous: null, next: null } });
    }),
    ...['GET', 'DELETE'].map((method) =>
      known(method, `/v3/users/[^/]+/application_credentials/:id`, (token, _context, id) => {
        const credential = identity.credentials.get(id);
        if (credential === undefined || credential.user.id !== token.user.id) {
          return failure(404, 'Not Found', `Could not find Application Credential: ${id}.`);
        }
        if (method === 'GET') return json(200, { application_credential: show(credential) });
        identity.credentials.delete(id);
        return { status: 204, headers: {}, body: '' };
      }),
    ),
  ];
}
