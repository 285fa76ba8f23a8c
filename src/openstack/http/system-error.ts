import type { FailureKind } from '../../domain/cause.ts';

type Description = { readonly kind: FailureKind | 'internal'; readonly message: string };

/** Error codes of the system and of Node. */
const KIND_BY_CODE: Readonly<Record<string, FailureKind | 'internal'>> = {
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
  // no resources on this side
  EMFILE: 'internal',
  ENFILE: 'internal',
  ENOBUFS: 'internal',
  ENOMEM: 'internal',
  EADDRNOTAVAIL: 'internal',
  // TLS: OpenSSL's X509_V_ERR_*, which Node names without a prefix
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

const KIND_BY_PREFIX: readonly (readonly [string, FailureKind])[] = [
  ['ERR_TLS_', 'tls'],
  ['ERR_SSL_', 'tls'],
  ['ERR_OSSL_', 'tls'],
  ['ERR_PROXY_', 'unreachable'],
  // llhttp: not HTTP
  ['HPE_', 'invalid-body'],
];

export type ErrorContext = {
  /** The answer had started. */
  readonly answering: boolean;
  /** The TLS handshake was in progress: Node has no codes for some OpenSSL errors ('UNSPECIFIED'). */
  readonly handshaking?: boolean;
};

/**
 * Classifies the error of a failed request. The message has only the error's code and text, as axios errors carry the
 * request with its password and token.
 */
export function describeSystemError(error: unknown, { answering, handshaking = false }: ErrorContext): Description {
  const code = codeOf(error);
  const known =
    code === null ? undefined : (KIND_BY_CODE[code] ?? KIND_BY_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1]);
  const kind = known ?? (handshaking ? 'tls' : 'internal');
  const text = textOf(error);
  const message = (code === null ? text : `${code}: ${text}`).slice(0, MAX_MESSAGE_LENGTH);
  return { kind: kind === 'connect-timeout' && answering ? 'response-timeout' : kind, message };
}

/** Errors about certificates and aggregated errors can be long. */
const MAX_MESSAGE_LENGTH = 300;

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return null;
}

/** Returns the text of an error. An AggregateError has none of its own, but one for each address that was tried. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? error.cause : error;
  const texts =
    inner instanceof AggregateError ? inner.errors.map((member: unknown) => textOf(member)) : [inner.message];
  return [...new Set(texts)].join('; ').slice(0, MAX_MESSAGE_LENGTH).replaceAll(/\s+/g, ' ').trim();
}
