import type { Cause, VoidCause } from '../domain/cause.ts';
import type { Facts } from '../domain/sampler-event.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { type BootChoice, type BootPreferences, bootCandidates } from '../openstack/compute/boot-candidates.ts';
import type { HttpTimeouts } from '../openstack/http/http-message.ts';
import type { Problem } from '../openstack/result.ts';

/** Chooses what to boot, and tries the next candidate if Nova refuses one before any boot has worked. */
export type BootChoices = {
  /** Returns the current choice, or why there is none. */
  choose(signal: AbortSignal): Promise<BootChoice | Problem>;
  /**
   * Moves on to the next candidate and returns why, if `cause` shows that Nova refused the choice and no boot has
   * worked yet. Returns null otherwise.
   */
  reject(choice: BootChoice, cause: Cause, progress: (note: string) => void): VoidCause | null;
  /** Chooses again for the next boot if Nova refused the choice: its flavor, image or network may have been deleted. */
  chooseAgainIfRefused(cause: Cause): void;
  /** Keeps the choice from now on, because a boot has worked with it. */
  confirm(): void;
};

export type BootChoicesOptions = {
  readonly wanted: BootPreferences;
  readonly timeouts: HttpTimeouts;
  readonly microversion: string;
  readonly onFacts: (facts: Facts) => void;
};

/** How many refused choices a report lists. */
const MAX_REFUSED_SHOWN = 5;

export function createBootChoices(
  cloud: Cloud,
  { wanted, timeouts, microversion, onFacts }: BootChoicesOptions,
): BootChoices {
  /** The remaining candidates, best first; empty until the first choice. */
  let remaining: readonly BootChoice[] = [];
  let confirmed = false;
  const refused: string[] = [];

  function reportChoice({ names: { flavor, image, network } }: BootChoice): void {
    const facts = refused.length === 0 ? {} : { 'refused by Nova': refused.join('; ') };
    onFacts({ flavor, image, network, 'compute microversion': microversion, ...facts });
  }

  return {
    async choose(signal) {
      const [current] = remaining;
      if (current !== undefined) return current;
      const found = await bootCandidates(cloud, wanted, { timeouts, signal });
      if (found.type !== 'ok') return found;
      remaining = found.value;
      const [best] = found.value;
      reportChoice(best);
      void cloud.dependencies.learn(signal);
      return best;
    },
    reject({ names }, cause, progress) {
      if (confirmed || !refusesChoice(cause)) return null;
      const combination = `${names.image} with ${names.flavor} on ${names.network}`;
      if (refused.length < MAX_REFUSED_SHOWN) refused.push(`${combination} (${cause.message})`);
      const [, next] = remaining;
      remaining = remaining.slice(1);
      if (next !== undefined) reportChoice(next);
      const outlook =
        next === undefined
          ? 'no other choice is left: set probes.server-boot.flavor, .image, .network or .volume'
          : `trying ${next.names.image} with ${next.names.flavor} next`;
      const message = `Nova refused ${combination}: ${cause.message}; ${outlook}`;
      progress(message);
      return { ...cause, kind: 'refused-choice', service: 'rollwatch', message };
    },
    chooseAgainIfRefused(cause) {
      if (refusesChoice(cause)) remaining = [];
    },
    confirm() {
      confirmed = true;
    },
  };
}

/**
 * Whether Nova refused the flavor, image, network or volume, according to the messages of its API and of nova-compute.
 */
const refusesChoice = ({ kind, service, status, message }: Cause): boolean =>
  service !== 'load-balancer' &&
  ([400, 403, 404, 409].includes(status ?? 0) || kind === 'server-error') &&
  REFUSED_CHOICE.test(message);

/**
 * From nova/exception.py: a flavor without a disk, a disk or memory too small for the image, an image that does not
 * boot, a network of another project, and a volume without Cinder (keystoneauth's EndpointNotFound).
 */
const REFUSED_CHOICE =
  /flavors? with zero disk|flavor'?s? (disk|memory|ram)|\bflavor \S+ could not be found|(image|flavor)Ref|too small|\bimage\b.{0,80}(could not be found|unacceptable|not active|not bootable|no associated data|invalid|unsupported|larger|exceeds)|Block Device Mapping is Invalid|endpoint for (volume|block-storage)\w* service .{0,60}not found|No bootable|(hw|img)_\w+|network \S+ could not be found|network.{0,60}(not (allowed|usable)|no subnet|requires a subnet|ambiguous|multiple possible)|multiple possible networks|not allowed to (use|create an interface on) .{0,20}network/i;
