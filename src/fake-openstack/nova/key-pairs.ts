export type KeyPair = { readonly name: string; readonly public_key: string; readonly fingerprint: string };

/** Each user's own. */
export type KeyPairs = {
  of(userId: string): Map<string, KeyPair>;
};

export function createKeyPairs(): KeyPairs {
  const users = new Map<string, Map<string, KeyPair>>();
  return {
    of(userId) {
      const own = users.get(userId) ?? new Map<string, KeyPair>();
      users.set(userId, own);
      return own;
    },
  };
}
