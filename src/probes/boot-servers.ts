import type { Janitor } from './janitor.ts';

/** The servers of the probe that exist or may exist, by name. The janitor deletes those that are handed over to it. */
export type BootServers = {
  count(): number;
  /** Whether a server is being deleted whose delete request did not hang. */
  isDeleting(): boolean;
  /** Records a server; called before its create request is sent. */
  add(name: string): void;
  /** Forgets a server that was never created. */
  forget(name: string): void;
  /** Records that a server was deleted and is gone. */
  confirmGone(server: Parameters<Janitor['confirmGone']>[0]): void;
  /** Lets the janitor delete the server; `cleanUp` waits until it is gone. */
  handOver(server: Parameters<Janitor['delete']>[0], requestHangs?: boolean): void;
  /** Waits until every server that was handed over is gone, or `deleteTimeout` has passed. */
  cleanUp(signal: AbortSignal): Promise<void>;
};

export function createBootServers(janitor: Janitor, deleteTimeout: number): BootServers {
  const existing = new Set<string>();
  const handedOver: string[] = [];
  /** Servers that are being deleted and whose delete request did not hang. */
  const deleting = new Set<string>();

  async function waitUntilGone(name: string, signal: AbortSignal): Promise<void> {
    await janitor.waitUntilGone(name, deleteTimeout, signal);
    deleting.delete(name);
    existing.delete(name);
  }

  return {
    count: () => existing.size,
    isDeleting: () => deleting.size > 0,
    add(name) {
      janitor.reserve(name);
      existing.add(name);
    },
    forget(name) {
      janitor.release(name);
      existing.delete(name);
    },
    confirmGone(server) {
      janitor.confirmGone(server);
      existing.delete(server.name);
    },
    handOver(server, requestHangs = false) {
      janitor.delete(server);
      if (server.id !== null && !requestHangs) deleting.add(server.name);
      handedOver.push(server.name);
    },
    async cleanUp(signal) {
      await Promise.all(handedOver.splice(0).map((name) => waitUntilGone(name, signal)));
    },
  };
}
