import { GOOD_CLOUDS, type Mistake, settings } from './mistake.ts';

const good = { 'work/clouds.yaml': GOOD_CLOUDS };

export const SETTINGS_MISTAKES: readonly Mistake[] = [
  {
    name: 'a --config that does not exist',
    files: good,
    configFile: 'DIR/none.yaml',
    message: '--config: DIR/none.yaml does not exist; specify a readable file',
  },
  {
    name: 'a --config that is a folder',
    files: good,
    folders: ['work/conf'],
    configFile: 'conf',
    message: '--config: DIR/work/conf cannot be read: it is a directory; specify a readable file',
  },
  {
    name: 'a ROLLWATCH_CONFIG that does not exist',
    files: good,
    env: { ROLLWATCH_CONFIG: 'r.yaml' },
    message: 'ROLLWATCH_CONFIG: DIR/work/r.yaml does not exist; specify a readable file',
  },
  settings(
    'a tab as indentation',
    'log:\n\tlevel: info\n',
    'DIR/work/rollwatch.yaml:2: invalid YAML: this line is indented with a tab; use spaces',
  ),
  settings(
    'not YAML',
    'listen: "127.0.0.1\n',
    'DIR/work/rollwatch.yaml:2: invalid YAML: a closing quote, bracket or brace is missing here or above',
  ),
  settings(
    'an unclosed bracket',
    'clouds: [one\n',
    'DIR/work/rollwatch.yaml:2: invalid YAML: inconsistent indentation, or a bracket or brace above is not closed',
  ),
  settings(
    'two colons on one line',
    'vantage: a: b\n',
    'DIR/work/rollwatch.yaml:1: invalid YAML: this line has a second colon; put the value in quotes',
  ),
  settings(
    'uneven indentation',
    'probes:\n    token:\n        enabled: true\n  server-list:\n',
    'DIR/work/rollwatch.yaml:4: invalid YAML: inconsistent indentation, or a bracket or brace above is not closed',
  ),
  settings(
    'a duplicate key',
    'vantage: a\nlisten: 127.0.0.1:1\nvantage: b\n',
    'DIR/work/rollwatch.yaml:3: invalid YAML: duplicate key in this mapping; keep one',
  ),
  settings(
    'an allowed host with a scheme',
    'allowed_hosts:\n  - rollwatch\n  - http://rollwatch.example\n',
    'DIR/work/rollwatch.yaml:3: allowed_hosts[1] must be a host name without scheme or port, such as rollwatch.example',
  ),
  settings(
    'allowed hosts that are not a list',
    'allowed_hosts: rollwatch:9774\n',
    'DIR/work/rollwatch.yaml:1: allowed_hosts must be a list of host names by which clients reach the daemon',
  ),
  settings(
    'two documents',
    'vantage: a\n---\nvantage: b\n',
    'DIR/work/rollwatch.yaml:2: invalid YAML: a second document starts here; only one is allowed',
  ),
  settings(
    'an alias without an anchor',
    'vantage: *here\n',
    'DIR/work/rollwatch.yaml:1: invalid YAML: this alias (*...) has no anchor (&...)',
  ),
  settings('an unknown tag', 'vantage: !env HOST\n', 'DIR/work/rollwatch.yaml:1: invalid YAML: unknown tag (!...)'),
  settings(
    'a string instead of settings',
    'watch everything\n',
    'DIR/work/rollwatch.yaml:1: the file is a string; it must be a mapping of settings',
  ),
  settings(
    'a list instead of settings',
    '- one\n',
    'DIR/work/rollwatch.yaml:1: the file is a list; it must be a mapping of settings',
  ),
  settings(
    'a misspelled key',
    'vantag: here\n',
    'DIR/work/rollwatch.yaml:1: unknown key vantag; did you mean vantage?',
  ),
  settings(
    'an unknown key',
    'vantage: here\ncolour: red\n',
    'DIR/work/rollwatch.yaml:2: unknown key colour; known keys: vantage, clouds, listen, allowed_hosts, url, token_file, journal, compute_microversion, probes, checks, overall, admin_cloud, sampler, plan, upgrade, grafana, webhook and log',
  ),
  settings(
    'a misspelled key in a probe',
    'probes:\n  server-list:\n    time_out: 3s\n',
    'DIR/work/rollwatch.yaml:3: unknown key probes.server-list.time_out; did you mean timeout?',
  ),
  settings(
    'an unknown key in after_failure',
    'probes:\n  token:\n    after_failure: {every: 1s}\n',
    'DIR/work/rollwatch.yaml:3: unknown key probes.token.after_failure.every; known keys: interval and for',
  ),
  settings(
    'a misspelled probe',
    'probes:\n  server_boot:\n    enabled: false\n',
    'DIR/work/rollwatch.yaml:2: unknown key probes.server_boot; did you mean server-boot?',
  ),
  settings(
    'an unknown probe',
    'probes:\n  ping: {}\n',
    'DIR/work/rollwatch.yaml:2: unknown key probes.ping; known keys: server-list, server-boot, server-reach, token and pilot',
  ),
  settings(
    'a target without a host',
    "probes:\n  server-reach:\n    targets: [survivors, ':22']\n",
    `DIR/work/rollwatch.yaml:3: probes.server-reach.targets[1] must be 'survivors' (the servers of 'check before'), HOST or HOST:PORT, such as 10.0.0.5 or '[fd00::5]:22'`,
  ),
  settings(
    'a duplicate target',
    'probes: {server-reach: {targets: [a, a]}}\n',
    `DIR/work/rollwatch.yaml:1: probes.server-reach.targets is a list; it must be a list of 'survivors', HOST or HOST:PORT, without duplicates`,
  ),
  settings(
    'a numeric SSH user without quotes',
    'checks: {ssh: {user: 1000}}\n',
    `DIR/work/rollwatch.yaml:1: checks.ssh.user is 1000; it must be the image's login user, in quotes`,
  ),
  settings(
    'an unknown key in the checks of a cloud',
    'clouds:\n  - name: one\n    checks: {ssh: {key: mine}}\n',
    'DIR/work/rollwatch.yaml:3: unknown key clouds[0].checks.ssh.key; known keys: user, port, key_file, floating_network and timeout',
  ),
  settings(
    'a secret at an unknown key',
    'password: hunter2\n',
    'DIR/work/rollwatch.yaml:1: unknown key password; known keys: vantage, clouds, listen, allowed_hosts, url, token_file, journal, compute_microversion, probes, checks, overall, admin_cloud, sampler, plan, upgrade, grafana, webhook and log',
  ),
  settings(
    'a section that is a string',
    'probes:\n  token: often\n',
    `DIR/work/rollwatch.yaml:2: probes.token must be a mapping of settings`,
  ),
  settings(
    'a section that is empty',
    'log:\n',
    'DIR/work/rollwatch.yaml:1: log is empty; it must be a mapping of settings',
  ),
  settings(
    'a duration in words',
    'probes:\n  token:\n    interval: five seconds\n',
    `DIR/work/rollwatch.yaml:3: probes.token.interval must be a duration (500ms, 15s, 2m, 1h or a number of seconds)`,
  ),
  settings(
    'a duration with an unknown unit',
    'probes:\n  server-list: {timeout: 10sec}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.timeout is '10sec'; it must be a duration (500ms, 15s, 2m, 1h or a number of seconds)`,
  ),
  settings(
    'a negative duration',
    'probes:\n  server-list: {timeout: -1s}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.timeout is '-1s'; it must be a duration (500ms, 15s, 2m, 1h or a number of seconds)`,
  ),
  settings(
    'a negative number as a duration',
    'probes:\n  server-boot: {active_timeout: -15}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-boot.active_timeout is -15; it must be at least 1s',
  ),
  settings(
    'a duration of 0',
    'probes:\n  server-list: {timeout: 0}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.timeout is 0; it must be at least 1ms',
  ),
  settings(
    'a boolean as a duration',
    'probes:\n  server-list: {slow: true}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.slow is true; it must be a duration (500ms, 15s, 2m, 1h or a number of seconds)',
  ),
  settings(
    'a duration of more than a day',
    'probes:\n  server-boot: {delete_timeout: 48h}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-boot.delete_timeout is '48h'; it must be at most 24h`,
  ),
  settings(
    'an interval that is too short',
    'probes:\n  server-list:\n    interval: 10ms\n',
    `DIR/work/rollwatch.yaml:3: probes.server-list.interval is '10ms'; it must be at least 100ms`,
  ),
  settings(
    'an interval after a failure that is not shorter',
    'probes:\n  server-list:\n    after_failure:\n      interval: 1s\n',
    `DIR/work/rollwatch.yaml:4: probes.server-list.after_failure.interval is '1s'; it must be less than the interval (1s)`,
  ),
  settings(
    'a slow threshold above the timeout',
    'probes:\n  token: {slow: 20s}\n',
    `DIR/work/rollwatch.yaml:2: probes.token.slow is '20s'; it must be less than timeout (10s)`,
  ),
  settings(
    'a connect timeout above the timeout',
    'probes:\n  server-list: {timeout: 2s, connect_timeout: 3s}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.connect_timeout is '3s'; it must be at most timeout (2s)`,
  ),
  settings(
    'a polling interval above the timeout',
    'probes:\n  server-boot: {poll: 1m}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-boot.poll is '1m'; it must be less than active_timeout (15s)`,
  ),
  settings(
    'a request timeout above the timeout',
    'probes:\n  server-boot: {active_timeout: 5s, request_timeout: 6s}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-boot.request_timeout is '6s'; it must be at most active_timeout (5s)`,
  ),
  settings(
    'a limit of 0',
    'probes:\n  server-list: {limit: 0}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.limit is 0; it must be a whole number from 1 to 1000',
  ),
  settings(
    'a limit above that of Nova',
    'probes:\n  server-list: {limit: 5000}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.limit is 5000; it must be a whole number from 1 to 1000',
  ),
  settings(
    'a limit that is a string',
    "probes:\n  server-list: {limit: '100'}\n",
    `DIR/work/rollwatch.yaml:2: probes.server-list.limit is '100'; it must be a whole number from 1 to 1000`,
  ),
  settings(
    'a limit with a fraction',
    'probes:\n  server-list: {limit: 1.5}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.limit is 1.5; it must be a whole number from 1 to 1000',
  ),
  settings(
    'yes and no as YAML 1.1 had them',
    'probes:\n  server-boot:\n    enabled: no\n',
    `DIR/work/rollwatch.yaml:3: probes.server-boot.enabled is 'no'; it must be true or false`,
  ),
  settings(
    'an unknown connection',
    'probes:\n  server-list: {connections: [reused, fresh]}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.connections[1] must be one of reused, new`,
  ),
  settings(
    'no connections',
    'probes:\n  server-list: {connections: []}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.connections is an empty list; it must be a list of one or more of reused, new, without duplicates',
  ),
  settings(
    'a duplicate connection',
    'probes:\n  server-list: {connections: [new, new]}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.connections is a list; it must be a list of one or more of reused, new, without duplicates',
  ),
  settings(
    'connections that are a string',
    'probes:\n  server-list: {connections: new}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.connections is 'new'; it must be a list of one or more of reused, new, without duplicates`,
  ),
  settings(
    'a name prefix that Nova would read as a pattern',
    "probes:\n  server-boot: {name_prefix: 'rw*'}\n",
    'DIR/work/rollwatch.yaml:2: probes.server-boot.name_prefix must be 1 to 63 letters, digits, dots, hyphens or underscores, starting with a letter or digit',
  ),
  settings(
    'a name prefix that is too short',
    'probes:\n  server-boot: {name_prefix: v}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-boot.name_prefix must be at least 3 characters long, as it selects the servers to delete',
  ),
  settings(
    'an empty name prefix',
    "probes:\n  server-boot: {name_prefix: ''}\n",
    `DIR/work/rollwatch.yaml:2: probes.server-boot.name_prefix is ''; it must be 1 to 63 letters, digits, dots, hyphens or underscores, starting with a letter or digit`,
  ),
  settings(
    'a numeric flavor without quotes',
    'probes:\n  server-boot: {flavor: 1}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-boot.flavor is 1; it must be the name or ID of a flavor, in quotes',
  ),
  settings(
    'an empty network',
    "probes:\n  server-boot: {network: ''}\n",
    `DIR/work/rollwatch.yaml:2: probes.server-boot.network is ''; it must be the name or ID of a network, 'auto' or 'none'`,
  ),
  settings(
    'a limit of 0 stuck servers',
    'probes:\n  server-boot: {max_stuck: 0}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-boot.max_stuck is 0; it must be a whole number from 1 to 1000',
  ),
  settings(
    'all probes disabled',
    'probes:\n  server-list: {enabled: false}\n  server-boot: {enabled: false}\n  token: {enabled: false}\n',
    'DIR/work/rollwatch.yaml:1: all probes are disabled; enable at least one of server-list, server-boot, server-reach, token or pilot',
  ),
  settings(
    'only disabled probes in overall',
    'overall: {probes: [server-boot]}\nprobes:\n  server-boot: {enabled: false}\n',
    'DIR/work/rollwatch.yaml:1: overall.probes (server-boot) contains no enabled probe; add one',
  ),
  settings(
    'an unknown probe in overall',
    'overall:\n  probes: [server-list, pings]\n',
    `DIR/work/rollwatch.yaml:2: overall.probes[1] must be one of server-list, server-boot, server-reach, token, pilot`,
  ),
  settings(
    'no probes in overall',
    'overall: {probes: []}\n',
    'DIR/work/rollwatch.yaml:1: overall.probes is an empty list; it must be a list of one or more of server-list, server-boot, server-reach, token, pilot, without duplicates',
  ),
  settings(
    'a listen address that is only a port',
    'listen: 9774\n',
    `DIR/work/rollwatch.yaml:1: listen is 9774; it must be HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'`,
  ),
  settings(
    'a listen address without a port',
    'listen: localhost\n',
    "DIR/work/rollwatch.yaml:1: listen must be HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'",
  ),
  settings(
    'a port above 65535',
    'listen: 127.0.0.1:70000\n',
    "DIR/work/rollwatch.yaml:1: listen must be HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'",
  ),
  settings(
    'an IPv6 address without brackets',
    'listen: ::1:9774\n',
    "DIR/work/rollwatch.yaml:1: listen must be HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'",
  ),
  settings(
    'a URL to listen on',
    'listen: http://127.0.0.1:9774\n',
    "DIR/work/rollwatch.yaml:1: listen must be HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'",
  ),
  {
    name: '--listen without a port',
    files: good,
    flags: { listen: '0.0.0.0' },
    message: `--listen is '0.0.0.0'; it must be HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'`,
  },
  settings(
    'a url without a scheme',
    'url: rollwatch.example\n',
    'DIR/work/rollwatch.yaml:1: url must be a URL that starts with http:// or https://',
  ),
  settings(
    'an ftp url',
    'url: ftp://rollwatch.example/\n',
    'DIR/work/rollwatch.yaml:1: url must be a URL that starts with http:// or https://',
  ),
  settings(
    'a url with a password',
    'url: https://ada:hunter2@rollwatch.example/\n',
    'DIR/work/rollwatch.yaml:1: url must be a URL without user name and password',
  ),
  settings(
    'a token_file that does not exist',
    'token_file: token\n',
    'DIR/work/rollwatch.yaml:1: token_file names a file that does not exist; specify a readable file',
  ),
  {
    name: 'a token_file that is a folder',
    folders: ['work/token'],
    files: { ...good, 'work/rollwatch.yaml': 'token_file: token\n' },
    message:
      'DIR/work/rollwatch.yaml:1: token_file names a file that cannot be read: it is a directory; specify a readable file',
  },
  {
    name: 'an empty token_file',
    files: { ...good, 'work/rollwatch.yaml': 'token_file: ../token\n', token: '\n' },
    message: 'DIR/work/rollwatch.yaml:1: token_file DIR/token is empty; must contain a token of at least 16 characters',
  },
  {
    name: 'a short token',
    files: { ...good, 'work/rollwatch.yaml': 'token_file: ../token\n', token: 'hunter2\n' },
    message:
      'DIR/work/rollwatch.yaml:1: token_file DIR/token contains a token that is too short; it must be at least 16 characters',
  },
  {
    name: 'a token_file with several words',
    files: { ...good, 'work/rollwatch.yaml': 'token_file: ../token\n', token: 'token: hunter2hunter2hunter2\n' },
    message:
      'DIR/work/rollwatch.yaml:1: token_file DIR/token is not a single token; must contain one token of ASCII letters, digits and punctuation',
  },
  settings(
    'a journal that is a URL',
    'journal: postgres://db/rollwatch\n',
    'DIR/work/rollwatch.yaml:1: journal must be a file path',
  ),
  {
    name: 'an empty --journal',
    files: good,
    flags: { journal: '' },
    message: '--journal is empty; it must be a file path',
  },
  settings(
    'an empty vantage',
    "vantage: ''\n",
    `DIR/work/rollwatch.yaml:1: vantage is ''; it must be 1 to 63 letters, digits, dots, hyphens or underscores, starting with a letter or digit`,
  ),
  settings(
    'a vantage with a space',
    'vantage: control room\n',
    'DIR/work/rollwatch.yaml:1: vantage must be 1 to 63 letters, digits, dots, hyphens or underscores, starting with a letter or digit',
  ),
  settings(
    'the latest microversion',
    'compute_microversion: latest\n',
    `DIR/work/rollwatch.yaml:1: compute_microversion is 'latest'; it must be a fixed microversion, such as '2.38', because 'latest' changes with an upgrade`,
  ),
  settings(
    'the latest microversion of 2',
    'compute_microversion: "2.latest"\n',
    `DIR/work/rollwatch.yaml:1: compute_microversion is '2.latest'; it must be a fixed microversion, such as '2.38', because 'latest' changes with an upgrade`,
  ),
  settings(
    'a microversion without quotes',
    'compute_microversion: 2.60\n',
    `DIR/work/rollwatch.yaml:1: compute_microversion is 2.6; it must be a Nova microversion, such as '2.38', in quotes`,
  ),
  settings(
    'an invalid microversion',
    "compute_microversion: '3'\n",
    `DIR/work/rollwatch.yaml:1: compute_microversion is '3'; it must be a Nova microversion, such as '2.38'`,
  ),
  settings(
    'a stall that is too short',
    'sampler: {stall: 1ms}\n',
    `DIR/work/rollwatch.yaml:1: sampler.stall is '1ms'; it must be at least 50ms`,
  ),
  settings(
    'a clock step that is too long',
    'sampler: {clock_step: 2h}\n',
    `DIR/work/rollwatch.yaml:1: sampler.clock_step is '2h'; it must be at most 1m`,
  ),
  settings(
    'an unknown time zone',
    'upgrade: {ansible_log: ansible.log, ansible_log_zone: Mars/Olympus}\n',
    `DIR/work/rollwatch.yaml:1: upgrade.ansible_log_zone must be an IANA time zone such as Europe/Berlin, 'utc' or 'local'`,
  ),
  settings(
    'a log that is a list',
    'upgrade: {ansible_log: [ansible.log]}\n',
    'DIR/work/rollwatch.yaml:1: upgrade.ansible_log is a list; it must be a file path',
  ),
  settings(
    'a URL of ARA without a scheme',
    'upgrade: {ara: {url: "ara.example:8000"}}\n',
    'DIR/work/rollwatch.yaml:1: upgrade.ara.url must be a URL that starts with http:// or https://',
  ),
  settings(
    'a password in the URL of ARA',
    'upgrade:\n  ara: {url: "http://ara:hunter2@ara.example"}\n',
    'DIR/work/rollwatch.yaml:2: upgrade.ara.url must be a URL without user name and password',
  ),
  settings(
    'ARA as a string',
    'upgrade: {ara: "http://ara.example"}\n',
    `DIR/work/rollwatch.yaml:1: upgrade.ara must be a mapping of settings`,
  ),
  settings(
    'a password of ARA instead of its file',
    'upgrade:\n  ara:\n    url: http://ara.example\n    password: hunter2\n',
    'DIR/work/rollwatch.yaml:4: unknown key upgrade.ara.password; known keys: url, username, password_file and interval',
  ),
  settings(
    'an ARA interval that is too short',
    'upgrade: {ara: {url: "http://ara.example", interval: 100ms}}\n',
    `DIR/work/rollwatch.yaml:1: upgrade.ara.interval is '100ms'; it must be at least 500ms`,
  ),
  settings(
    'a user of ARA without a password',
    'upgrade:\n  ara:\n    url: http://ara.example\n    username: ada\n',
    'DIR/work/rollwatch.yaml:4: upgrade.ara.username is set without password_file; set both',
  ),
  settings(
    'a user of ARA with a colon',
    'upgrade:\n  ara: {url: http://ara.example, username: "ada:x", password_file: p}\n',
    'DIR/work/rollwatch.yaml:2: upgrade.ara.username must be a user name without a colon',
  ),
  settings(
    'a password of ARA without a user',
    'upgrade:\n  ara:\n    url: http://ara.example\n    password_file: p\n',
    'DIR/work/rollwatch.yaml:4: upgrade.ara.password_file is set without username; set both',
  ),
  settings(
    'a user of ARA without a url',
    'upgrade:\n  ara: {username: ada, password_file: p}\n',
    `DIR/work/rollwatch.yaml:2: upgrade.ara.username is set without url; set url to ARA's address`,
  ),
  settings(
    'a password file of ARA that does not exist',
    'upgrade:\n  ara: {url: http://ara.example, username: ada, password_file: p}\n',
    'DIR/work/rollwatch.yaml:2: upgrade.ara.password_file names a file that does not exist; specify a readable file',
  ),
  {
    name: 'an empty password file of ARA',
    files: {
      ...good,
      'work/rollwatch.yaml': 'upgrade:\n  ara: {url: http://ara.example, username: ada, password_file: p}\n',
      'work/p': '\n',
    },
    message:
      'DIR/work/rollwatch.yaml:2: upgrade.ara.password_file names a file that is empty; must contain the password',
  },
  {
    name: 'a password file of ARA with several lines',
    files: {
      ...good,
      'work/rollwatch.yaml': 'upgrade:\n  ara: {url: http://ara.example, username: ada, password_file: p}\n',
      'work/p': 'ada\nhunter2\n',
    },
    message:
      'DIR/work/rollwatch.yaml:2: upgrade.ara.password_file names a file that has several lines; must contain only the password',
  },
  settings(
    'a numeric directory without quotes',
    'upgrade: {run_upgrade: 2025.1}\n',
    'DIR/work/rollwatch.yaml:1: upgrade.run_upgrade is 2025.1; it must be a directory path, in quotes',
  ),
  settings(
    'Grafana without credentials',
    'grafana:\n  url: http://grafana.example\n',
    'DIR/work/rollwatch.yaml:2: grafana.url is set without credentials; set token_file (the token of an Editor service account), or username and password_file',
  ),
  settings(
    'a token of Grafana without a url',
    'grafana: {token_file: t}\n',
    `DIR/work/rollwatch.yaml:1: grafana.token_file is set without url; set url to Grafana's address`,
  ),
  settings(
    'a token and a user of Grafana',
    'grafana: {url: http://grafana.example, token_file: t, username: ada, password_file: p}\n',
    'DIR/work/rollwatch.yaml:1: grafana.token_file and username are both set; remove one of them',
  ),
  settings(
    'a user of Grafana without a password',
    'grafana: {url: http://grafana.example, username: ada}\n',
    'DIR/work/rollwatch.yaml:1: grafana.username is set without password_file; set both',
  ),
  settings(
    'a token file of Grafana that does not exist',
    'grafana: {url: http://grafana.example, token_file: t}\n',
    'DIR/work/rollwatch.yaml:1: grafana.token_file names a file that does not exist; specify a readable file',
  ),
  settings(
    'a token of Grafana instead of its file',
    'grafana: {url: http://grafana.example, token: hunter2}\n',
    'DIR/work/rollwatch.yaml:1: unknown key grafana.token; known keys: url, token_file, username, password_file and tasks',
  ),
  settings(
    'an unknown log level',
    'log:\n  level: loud\n',
    `DIR/work/rollwatch.yaml:2: log.level must be one of debug, info, warn, error`,
  ),
  settings(
    'clouds that are a string',
    'clouds: one\n',
    'DIR/work/rollwatch.yaml:1: clouds must be a list of 1 to 1000 clouds from clouds.yaml',
  ),
  settings(
    'no clouds',
    'clouds: []\n',
    'DIR/work/rollwatch.yaml:1: clouds is an empty list; it must be a list of 1 to 1000 clouds from clouds.yaml',
  ),
  settings(
    'a cloud without a name',
    'clouds:\n  - region: RegionOne\n',
    'DIR/work/rollwatch.yaml:2: clouds[0].name is missing; it must be the name of a cloud in clouds.yaml',
  ),
  settings(
    'a cloud whose name is a number',
    'clouds:\n  - 7\n',
    `DIR/work/rollwatch.yaml:2: clouds[0] is 7; it must be the name of a cloud in clouds.yaml, or a mapping with the key 'name'`,
  ),
  settings(
    'an unknown key of a cloud',
    'clouds:\n  - name: one\n    regions: RegionOne\n',
    'DIR/work/rollwatch.yaml:3: unknown key clouds[0].regions; did you mean region?',
  ),
  settings(
    'a probe of a cloud outside probes',
    'clouds:\n  - name: one\n    token: {enabled: false}\n',
    'DIR/work/rollwatch.yaml:3: unknown key clouds[0].token; known keys: name, region, compute_microversion, admin_cloud, probes and checks',
  ),
  settings(
    'a password of a cloud in rollwatch.yaml',
    'clouds:\n  - name: one\n    password: hunter2\n',
    'DIR/work/rollwatch.yaml:3: unknown key clouds[0].password; known keys: name, region, compute_microversion, admin_cloud, probes and checks',
  ),
  settings(
    'a misspelled key in a probe of a cloud',
    'clouds:\n  - name: one\n    probes:\n      token: {intervall: 1s}\n',
    'DIR/work/rollwatch.yaml:4: unknown key clouds[0].probes.token.intervall; did you mean interval?',
  ),
  settings(
    'an invalid duration in a probe of a cloud',
    'clouds:\n  - name: one\n    probes:\n      token:\n        interval: 1parsec\n',
    `DIR/work/rollwatch.yaml:5: clouds[0].probes.token.interval must be a duration (500ms, 15s, 2m, 1h or a number of seconds)`,
  ),
  settings(
    'a cloud whose settings conflict with those of all clouds',
    'probes:\n  token: {after_failure: {interval: 2s}}\nclouds:\n  - name: one\n    probes: {token: {interval: 1s}}\n',
    `DIR/work/rollwatch.yaml:5: clouds[0].probes.token.after_failure.interval is '2s'; it must be less than the interval (1s)`,
  ),
  settings(
    'all probes of a cloud disabled',
    'clouds:\n  - name: one\n    probes:\n      server-list: {enabled: false}\n      server-boot: {enabled: false}\n      token: {enabled: false}\n',
    'DIR/work/rollwatch.yaml:3: clouds[0]: all probes are disabled; enable at least one of server-list, server-boot, server-reach, token or pilot',
  ),
  settings(
    'a duplicate cloud',
    'clouds:\n  - one\n  - name: one\n',
    'DIR/work/rollwatch.yaml:3: clouds[1] is the same cloud as clouds[0]; list it once, or with a different region each time',
  ),
  settings(
    'a duplicate region of a cloud',
    'clouds:\n  - {name: one, region: north}\n  - {name: one, region: south}\n  - {name: one, region: north}\n',
    'DIR/work/rollwatch.yaml:4: clouds[2] is the same cloud as clouds[0]; list it once, or with a different region each time',
  ),
  settings(
    'a cloud and one of its regions',
    'clouds:\n  - {name: one, region: north}\n  - one\n',
    'DIR/work/rollwatch.yaml:3: clouds[1] is the same cloud as clouds[0]; list it once, or with a different region each time',
  ),
  settings(
    'an unknown cloud',
    'clouds: [two]\n',
    'DIR/work/rollwatch.yaml:1: clouds[0]: no such cloud in DIR/work/clouds.yaml; known clouds: one',
  ),
  settings(
    'a region that is a list',
    'clouds:\n  - name: one\n    region: [a]\n',
    'DIR/work/rollwatch.yaml:3: clouds[0].region is a list; it must be a region name',
  ),
  settings(
    'an unknown admin cloud',
    'admin_cloud: one-admin\n',
    'DIR/work/rollwatch.yaml:1: admin_cloud: no such cloud in DIR/work/clouds.yaml; known clouds: one',
  ),
  settings(
    'an admin cloud that is a mapping',
    'admin_cloud: {cloud: one-admin}\n',
    'DIR/work/rollwatch.yaml:1: admin_cloud is a mapping; it must be the name of a cloud in clouds.yaml',
  ),
  {
    name: 'one admin cloud for several clouds',
    files: {
      'work/clouds.yaml': `${GOOD_CLOUDS}  two: {auth: {auth_url: http://b, username: u, password: p, project_name: q}}\n`,
      'work/rollwatch.yaml': 'clouds: [one, two]\n\nadmin_cloud: one\n',
    },
    message: `DIR/work/rollwatch.yaml:3: admin_cloud applies to a single cloud, but several are watched; set it in the cloud's own entry under clouds`,
  },
];
