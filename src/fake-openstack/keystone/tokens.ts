import { randomBytes } from 'node:crypto';
import { moment } from '../moment.ts';
import type { Project, User } from './identity.ts';

export type Token = {
  readonly id: string;
  readonly user: User;
  /** Null: not scoped. */
  readonly project: Project | null;
  readonly methods: readonly string[];
  readonly auditId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** It ends when the application credential does, earlier than it would. */
  readonly limited: boolean;
};

/** Keystone's memory of what it has issued. */
export type Tokens = {
  /** In seconds, for tokens issued from now on. */
  lifetime: number;
  issue(grant: { user: User; project: Project | null; methods: readonly string[]; expiresBy?: number | null }): Token;
  /** Neither expired nor revoked. */
  valid(id: string): Token | null;
  revoke(id: string): void;
};

export function createTokens(lifetime: number): Tokens {
  const issued = new Map<string, Token>();

  function forget(now: number): void {
    for (const token of issued.values()) if (token.expiresAt < now) issued.delete(token.id);
  }

  return {
    lifetime,
    issue({ user, project, methods, expiresBy = null }) {
      const now = moment();
      if (issued.size > 10_000) forget(now);
      const end = now + this.lifetime * 1000;
      const token = {
        id: `gAAAAAB${randomBytes(132).toString('base64url')}`,
        user,
        project,
        methods,
        auditId: randomBytes(16).toString('base64url'),
        issuedAt: now,
        expiresAt: expiresBy === null ? end : Math.min(end, expiresBy),
        limited: methods.includes('application_credential') && expiresBy !== null && expiresBy < end,
      };
      issued.set(token.id, token);
      return token;
    },
    valid(id) {
      const token = issued.get(id);
      return token !== undefined && token.expiresAt > moment() ? token : null;
    },
    revoke: (id) => {
      issued.delete(id);
    },
  };
}
