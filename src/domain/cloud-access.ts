import type { Secret } from './secret.ts';

/** How to reach a cloud and as whom, as an entry of clouds.yaml says it. */
export type CloudAccess = {
  readonly name: string;
  /** Keystone, with or without /v3. */
  readonly authUrl: string;
  readonly auth: Auth;
  readonly regionName: string | null;
  readonly interface: 'public' | 'internal' | 'admin';
  /** PEM, the contents of the files; null where nothing is set. */
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: Secret | null;
    readonly verify: boolean;
  };
  /** Endpoints by type of service ('compute', 'image', ...) that stand in for those of the catalogue. */
  readonly overrides: { readonly [type: string]: string };
  /** 'N.M'; null: the default of Rollwatch. */
  readonly computeMicroversion: string | null;
};

export type Auth =
  | {
      readonly type: 'password';
      readonly user: Named;
      readonly password: Secret;
      /** Null: the user's default project. */
      readonly project: Named | null;
    }
  | { readonly type: 'application-credential'; readonly id: string; readonly secret: Secret }
  | {
      readonly type: 'application-credential';
      readonly name: string;
      readonly user: Named;
      readonly secret: Secret;
    }
  | { readonly type: 'token'; readonly token: Secret; readonly project: Named | null };

/** By id, which is unique, or by a name that is unique in its domain. */
export type Named = { readonly id: string } | { readonly name: string; readonly domain: DomainRef };

export type DomainRef = { readonly id: string } | { readonly name: string };
