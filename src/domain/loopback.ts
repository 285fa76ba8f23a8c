const IPV4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
const IPV6 = /^(?:0{0,4}:){2,7}0{0,3}1$/;
const MAPPED = /^(?:0{0,4}:){2,5}ffff:/i;

/**
 * Whether only this machine reaches the address: 127.0.0.0/8, ::1, or the name that stands for them. The one place that
 * decides it, as what listens there may be written to without a token. Anything that is no address of this kind is not.
 */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' ||
  IPV4.test(host) ||
  IPV6.test(host) ||
  (MAPPED.test(host) && IPV4.test(host.replace(MAPPED, '')));
