import type { FailureKind } from '../../domain/cause.ts';

type Described = { readonly kind: FailureKind | 'internal'; readonly message: string };

/** The system's and Node's error codes, and what they say about the other side. */
const KINDS: Readonly<Record<string, FailureKind | 'internal'>> = {
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  ECONNABORTED: 'connection-reset',
  EPIPE: 'connection-reset',
  ERR_STREAM_PREMATURE_CLOSE: 'connection-reset',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  ENONET: 'unreachable',
  EPERM: 'unreachable',
  EACCES: 'unreachable',
  ETIMEDOUT: 'connect-timeout',
  // no room on this side
  EMFILE: 'internal',
  ENFILE: 'internal',
  ENOBUFS: 'internal',
  ENOMEM: 'internal',
  EADDRNOTAVAIL: 'internal',
  // TLS, where Node's own names have no common beginning (X509_V_ERR_* of OpenSSL)
  EPROTO: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 'tls',
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: 'tls',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'tls',
  UNABLE_TO_GET_CRL: 'tls',
  CERT_SIGNATURE_FAILURE: 'tls',
  CERT_NOT_YET_VALID: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  CERT_CHAIN_TOO_LONG: 'tls',
  CERT_REVOKED: 'tls',
  CERT_UNTRUSTED: 'tls',
  CERT_REJECTED: 'tls',
  CRL_SIGNATURE_FAILURE: 'tls',
  CRL_NOT_YET_VALID: 'tls',
  CRL_HAS_EXPIRED: 'tls',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: 'tls',
  ERROR_IN_CERT_NOT_AFTER_FIELD: 'tls',
  ERROR_IN_CRL_LAST_UPDATE_FIELD: 'tls',
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: 'tls',
  INVALID_CA: 'tls',
  INVALID_PURPOSE: 'tls',
  PATH_LENGTH_EXCEEDED: 'tls',
  HOSTNAME_MISMATCH: 'tls',
};

const PREFIXES: readonly (readonly [string, FailureKind])[] = [
  ['ERR_TLS_', 'tls'],
  ['ERR_SSL_', 'tls'],
  ['ERR_OSSL_', 'tls'],
  ['ERR_PROXY_', 'unreachable'],
  // llhttp: what came is not HTTP
  ['HPE_', 'invalid-body'],
];

export type ErrorMoment = {
  /** The answer had begun. */
  readonly answering: boolean;
  /** The TLS handshake was under way: OpenSSL has more errors than Node has codes for ('UNSPECIFIED'). */
  readonly securing?: boolean;
};

/**
 * What a failed request says about the other side. Of an error that is not in the tables nothing but its code and a
 * short message is told: axios' own carry the request with its password and token.
 */
export function describeSystemError(error: unknown, { answering, securing = false }: ErrorMoment): Described {
  const code = codeOf(error);
  const known = code === null ? undefined : (KINDS[code] ?? PREFIXES.find(([start]) => code.startsWith(start))?.[1]);
  const kind = known ?? (securing ? 'tls' : 'internal');
  const text = textOf(error);
  const message = (code === null ? text : `${code}: ${text}`).slice(0, MESSAGE);
  return { kind: kind === 'connect-timeout' && answering ? 'response-timeout' : kind, message };
}

/** Certificates and aggregated errors make long ones. */
const MESSAGE = 300;

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return null;
}

/** Of several addresses that were tried (an AggregateError, without a text of its own), all of them. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? error.cause : error;
  const texts = inner instanceof AggregateError ? inner.errors.map((one: unknown) => textOf(one)) : [inner.message];
  return [...new Set(texts)].join('; ').slice(0, MESSAGE).replaceAll(/\s+/g, ' ').trim();
}
