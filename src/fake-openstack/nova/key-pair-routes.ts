import { createHash } from 'node:crypto';
import { z } from 'zod';
import { empty, json, parsed } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute } from './context.ts';

const bodySchema = z.object({ keypair: z.object({ name: z.string().min(1), public_key: z.string() }) });

/** A key that OpenSSH writes: its type, and the key itself in base64. */
const KEY = /^(ssh-(?:rsa|ed25519)|ecdsa-\S+) ([A-Za-z0-9+/]+=*)(?: .*)?$/;

function fingerprintOf(publicKey: string): string | null {
  const [, , body] = KEY.exec(publicKey.trim()) ?? [];
  if (body === undefined) return null;
  const hash = createHash('md5').update(Buffer.from(body, 'base64')).digest('hex');
  return hash.replaceAll(/(..)(?=.)/g, '$1:');
}

/** /os-keypairs: a key is brought by the user, none is made. */
export function novaKeyPairRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { keyPairs } = options;
  const own = ({ token }: NovaContext) => keyPairs.of(token.user.id);
  const typeOf = (minor: number) => (minor >= 2 ? { type: 'ssh' } : {});
  return [
    novaRoute(options, { method: 'GET', path: '/os-keypairs', operation: 'read' }, (context) =>
      json(200, {
        keypairs: [...own(context).values()].map((one) => ({ keypair: { ...one, ...typeOf(context.minor) } })),
      }),
    ),
    novaRoute(options, { method: 'POST', path: '/os-keypairs', operation: 'read' }, (context) => {
      const asked = bodySchema.safeParse(parsed(context.request.body));
      if (!asked.success) return novaFault(400, 'Malformed request body');
      const { name, public_key } = asked.data.keypair;
      const fingerprint = fingerprintOf(public_key);
      if (fingerprint === null) return novaFault(400, 'Keypair data is invalid: failed to generate fingerprint');
      if (own(context).has(name)) return novaFault(409, `Key pair '${name}' already exists.`);
      const made = { name, public_key, fingerprint };
      own(context).set(name, made);
      const { minor, token } = context;
      return json(minor >= 2 ? 201 : 200, { keypair: { ...made, ...typeOf(minor), user_id: token.user.id } });
    }),
    novaRoute(options, { method: 'DELETE', path: '/os-keypairs/:name', operation: 'read' }, (context, [name = '']) => {
      const there = own(context).delete(name);
      if (!there) return novaFault(404, `Keypair ${name} not found for user ${context.token.user.id}`);
      return empty(context.minor >= 2 ? 204 : 202);
    }),
  ];
}
