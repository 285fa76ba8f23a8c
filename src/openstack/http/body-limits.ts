const MIB = 1024 * 1024;

/** Of an answer that reports an error, only so much is read: nobody looks at more. */
export const ERROR_BODY_LIMIT = 64 * 1024;
/** Of a single resource: a server with all the metadata and user data that Nova allows has less than 200 KiB. */
export const SINGLE_BODY_LIMIT = MIB;
/** Of a token with its catalog. */
export const TOKEN_BODY_LIMIT = 2 * MIB;
/** Of a list whose length we don't choose: a thousand images, flavors or hypervisors have some 5 MB. */
export const LIST_BODY_LIMIT = 8 * MIB;

/** Nova's user data, which administrators see in lists from microversion 2.3 on, has up to 64 KiB. */
const SERVER_BODY_BYTES = 64 * 1024;

/** Of a list of at most `limit` servers. */
export const serversBodyLimit = (limit: number): number =>
  Math.min(Math.max(limit * SERVER_BODY_BYTES, SINGLE_BODY_LIMIT), 16 * MIB);
