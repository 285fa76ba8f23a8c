import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type Check, fail, type OnProgress, skip } from '../../domain/check.ts';
import { checkResourceMetadata, checkResourceName } from '../../domain/check-resources.ts';
import { span } from '../../format/quantities.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { BootChoice } from '../../openstack/compute/boot-candidates.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import type { ServiceRecord } from '../../openstack/diagnosis/service-reports.ts';
import { bootTemporaryServer } from '../resources/check-servers.ts';
import { checkCreated, expectedImage } from '../resources/server-record.ts';
import { type ReportClock, readServices, silentFor } from '../services/services.ts';

const CONCURRENT_BOOTS = 4;
/** How often the services are read while servers boot. */
const SERVICES_INTERVAL_MS = 5000;

export type HostOptions = RequestOptions & {
  readonly admin: Cloud;
  readonly vantage: string;
  readonly choice: BootChoice;
  /** The services before the upgrade; null if unknown. */
  readonly before: readonly ServiceRecord[] | null;
  readonly clock: ReportClock;
  readonly onCheck: (check: Check) => void;
  readonly onProgress: OnProgress;
};

/**
 * Boots a server on every compute host, in the administrator's project, and compares it with the request. A host that
 * is gone, down or disabled fails if it was up and enabled before, and is skipped otherwise. A host also fails as soon
 * as its nova-compute no longer reports, even while its server boots.
 */
export async function checkHosts(
  { admin, vantage, choice, before, clock, onCheck, onProgress, ...options }: HostOptions,
  services: readonly ServiceRecord[],
): Promise<void> {
  const { names, vcpus, ...source } = choice;
  const limit = pLimit(CONCURRENT_BOOTS);
  const hosts = new Set(computesOf(services).map(({ host }) => host));
  const computesBefore = computesOf(before ?? []);
  const recordsBefore = new Map(computesBefore.toReversed().map((record) => [record.host, record]));
  const computes = [...computesOf(services), ...computesBefore.filter(({ host }) => !hosts.has(host))];
  /** By host: cancels the boot there, for the given reason. */
  const cancelBoot = new Map<string, (reason: string) => void>();
  const done = new AbortController();
  let checked = 0;
  const inProgress = new Set<string>();
  const watching = watchServices();
  try {
    await Promise.all(
      computes
        .toSorted((a, b) => a.host.localeCompare(b.host))
        .map((service) => limit(() => (options.signal.aborted ? undefined : checkInTurn(service)))),
    );
  } finally {
    done.abort();
    await watching;
  }

  async function checkInTurn(service: ServiceRecord): Promise<void> {
    inProgress.add(service.host);
    reportProgress();
    await checkHost(service);
    inProgress.delete(service.host);
    checked++;
    reportProgress();
  }

  function reportProgress(): void {
    const now = inProgress.size === 0 ? '' : `, now ${[...inProgress].join(', ')}`;
    onProgress(`hosts: ${checked} of ${computes.length} checked${now}`);
  }

  async function checkHost(service: ServiceRecord): Promise<void> {
    const { host, zone, up, enabled } = service;
    const checkName = `hosts: ${host}`;
    const recordBefore = recordsBefore.get(host);
    const problem = !hosts.has(host) ? 'gone' : !up ? 'down' : !enabled ? 'disabled' : null;
    if (problem !== null) {
      const wasUsable = recordBefore?.up === true && recordBefore.enabled;
      const reason = `nova-compute is ${problem}`;
      onCheck(wasUsable ? fail(checkName, `${reason}, was up and enabled before`) : skip(checkName, reason));
      return;
    }
    const silentSeconds = silentFor(service, clock);
    if (silentSeconds !== null) {
      onCheck(fail(checkName, silenceMessage(silentSeconds)));
      return;
    }
    const name = checkResourceName(`on-${host.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-')}`);
    const request = { ...source, name, availabilityZone: `${zone}:${host}` };
    const cancelled = new AbortController();
    let cancelReason: string | null = null;
    cancelBoot.set(host, (reason) => {
      cancelReason = reason;
      cancelled.abort();
    });
    const signal = AbortSignal.any([options.signal, cancelled.signal]);
    const { boot, remove } = await bootTemporaryServer({ cloud: admin, admin, vantage, ...options, signal }, request);
    cancelBoot.delete(host);
    const metadata = checkResourceMetadata('temporary', vantage);
    const expected = { name, host, flavor: names.flavor, vcpus, image: expectedImage(source), metadata };
    onCheck(boot.ok ? checkCreated(checkName, expected, boot.server) : fail(checkName, cancelReason ?? boot.reason));
    // If nova-compute is dead, the deletion takes until Nova considers the service down.
    const remaining = await remove();
    if (remaining !== null) onCheck(fail(`${checkName}: deleted`, `${remaining}; run 'rollwatch check clean'`));
  }

  /** Cancels boots on hosts whose nova-compute dies: their servers would stay in BUILD until the timeout. */
  async function watchServices(): Promise<void> {
    const { signal } = done;
    while (!signal.aborted) {
      await delay(SERVICES_INTERVAL_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted || cancelBoot.size === 0) continue;
      const read = await readServices(admin, { ...options, signal: AbortSignal.any([options.signal, signal]) });
      if (read.type !== 'ok') continue;
      for (const service of computesOf(read.value.services)) {
        const silentSeconds = silentFor(service, { ...clock, cloudNow: read.value.cloudNow });
        if (!service.up) cancelBoot.get(service.host)?.('nova-compute went down while a server was booting');
        else if (silentSeconds !== null) cancelBoot.get(service.host)?.(silenceMessage(silentSeconds));
      }
    }
  }
}

const silenceMessage = (seconds: number): string =>
  `nova-compute has not reported for ${span(seconds)}, although Nova still shows it as up: it hangs or has died`;

const computesOf = (services: readonly ServiceRecord[]): readonly ServiceRecord[] =>
  services.filter(({ binary }) => binary === 'nova-compute');
