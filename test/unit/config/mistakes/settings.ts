import { GOOD_CLOUDS, type Mistake, settings } from './mistake.ts';

const good = { 'work/clouds.yaml': GOOD_CLOUDS };

export const SETTINGS_MISTAKES: readonly Mistake[] = [
  {
    name: '--config names a file that is not there',
    files: good,
    configFile: 'DIR/none.yaml',
    message: '--config: DIR/none.yaml does not exist; name a file that can be read',
  },
  {
    name: '--config names a folder',
    files: good,
    folders: ['work/conf'],
    configFile: 'conf',
    message: '--config: DIR/work/conf cannot be read: it is a directory; name a file that can be read',
  },
  {
    name: 'ROLLWATCH_CONFIG names a file that is not there',
    files: good,
    env: { ROLLWATCH_CONFIG: 'r.yaml' },
    message: 'ROLLWATCH_CONFIG: DIR/work/r.yaml does not exist; name a file that can be read',
  },
  settings(
    'a tab as indentation',
    'log:\n\tlevel: info\n',
    'DIR/work/rollwatch.yaml:2: not YAML: a tab indents this line; YAML wants spaces',
  ),
  settings(
    'not YAML',
    'listen: "127.0.0.1\n',
    'DIR/work/rollwatch.yaml:2: not YAML: a closing quote, bracket or brace is missing, here or above',
  ),
  settings(
    'a bracket that is never closed',
    'clouds: [one\n',
    'DIR/work/rollwatch.yaml:2: not YAML: this line is not indented as its neighbours are, or a bracket or brace above is not closed',
  ),
  settings(
    'two colons on a line',
    'vantage: a: b\n',
    'DIR/work/rollwatch.yaml:1: not YAML: a second colon stands on this line; put the value in quotes',
  ),
  settings(
    'uneven indentation',
    'probes:\n    token:\n        enabled: true\n  server-list:\n',
    'DIR/work/rollwatch.yaml:4: not YAML: this line is not indented as its neighbours are, or a bracket or brace above is not closed',
  ),
  settings(
    'the same key twice',
    'vantage: a\nlisten: 127.0.0.1:1\nvantage: b\n',
    'DIR/work/rollwatch.yaml:3: not YAML: this key stands twice in the same mapping; keep one',
  ),
  settings(
    'a name of the daemon with its scheme',
    'allowed_hosts:\n  - rollwatch\n  - http://rollwatch.example\n',
    'DIR/work/rollwatch.yaml:3: allowed_hosts[1] must be the name of a host without scheme and port, such as rollwatch.example',
  ),
  settings(
    'a name of the daemon that is no list',
    'allowed_hosts: rollwatch:9774\n',
    'DIR/work/rollwatch.yaml:1: allowed_hosts must be a list of the names by which others reach the daemon',
  ),
  settings(
    'two documents',
    'vantage: a\n---\nvantage: b\n',
    'DIR/work/rollwatch.yaml:2: not YAML: a second document begins here; one is wanted',
  ),
  settings(
    'an alias without an anchor',
    'vantage: *here\n',
    'DIR/work/rollwatch.yaml:1: not YAML: an alias (*...) has no anchor (&...)',
  ),
  settings(
    'a tag of its own',
    'vantage: !env HOST\n',
    'DIR/work/rollwatch.yaml:1: not YAML: a tag (!...) is not known here',
  ),
  settings(
    'a text where settings are wanted',
    'watch everything\n',
    'DIR/work/rollwatch.yaml:1: it is a text; it must be a mapping of settings',
  ),
  settings(
    'a list where settings are wanted',
    '- one\n',
    'DIR/work/rollwatch.yaml:1: it is a list; it must be a mapping of settings',
  ),
  settings(
    'an unknown key that looks like one',
    'vantag: here\n',
    'DIR/work/rollwatch.yaml:1: unknown key vantag; did you mean vantage?',
  ),
  settings(
    'an unknown key like none',
    'vantage: here\ncolour: red\n',
    'DIR/work/rollwatch.yaml:2: unknown key colour; known here: vantage, clouds, listen, allowed_hosts, url, token_file, journal, compute_microversion, probes, checks, overall, diagnosis, sampler, plan, upgrade, grafana and log',
  ),
  settings(
    'an unknown key within a probe',
    'probes:\n  server-list:\n    time_out: 3s\n',
    'DIR/work/rollwatch.yaml:3: unknown key probes.server-list.time_out; did you mean timeout?',
  ),
  settings(
    'an unknown key for the fast sampling',
    'probes:\n  token:\n    fast: {every: 1s}\n',
    'DIR/work/rollwatch.yaml:3: unknown key probes.token.fast.every; known here: interval and for',
  ),
  settings(
    'an unknown probe',
    'probes:\n  server_boot:\n    enabled: false\n',
    'DIR/work/rollwatch.yaml:2: unknown key probes.server_boot; did you mean server-boot?',
  ),
  settings(
    'another unknown probe',
    'probes:\n  ping: {}\n',
    'DIR/work/rollwatch.yaml:2: unknown key probes.ping; known here: server-list, server-boot, server-reach and token',
  ),
  settings(
    'a server to be reached without a host',
    "probes:\n  server-reach:\n    targets: [kept, ':22']\n",
    "DIR/work/rollwatch.yaml:3: probes.server-reach.targets[1] must be 'kept' for the servers that 'check before' leaves, or HOST or HOST:PORT, such as 10.0.0.5 or '[fd00::5]:22'",
  ),
  settings(
    'a server to be reached twice',
    'probes: {server-reach: {targets: [a, a]}}\n',
    "DIR/work/rollwatch.yaml:1: probes.server-reach.targets is a list; it must be a list of 'kept', HOST and HOST:PORT, each once",
  ),
  settings(
    'no user for SSH in quotes',
    'checks: {ssh: {user: 1000}}\n',
    'DIR/work/rollwatch.yaml:1: checks.ssh.user is 1000; it must be the name of the user that the image lets in by SSH, in quotes',
  ),
  settings(
    'an unknown key of the checks of one cloud',
    'clouds:\n  - name: one\n    checks: {ssh: {key: mine}}\n',
    'DIR/work/rollwatch.yaml:3: unknown key clouds[0].checks.ssh.key; known here: user, port, key_file, floating_network and within',
  ),
  settings(
    'a secret where none belongs',
    'password: hunter2\n',
    'DIR/work/rollwatch.yaml:1: unknown key password; known here: vantage, clouds, listen, allowed_hosts, url, token_file, journal, compute_microversion, probes, checks, overall, diagnosis, sampler, plan, upgrade, grafana and log',
  ),
  settings(
    'a section that is a text',
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
    'a duration in a unit that is none',
    'probes:\n  server-list: {timeout: 10sec}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.timeout is '10sec'; it must be a duration (500ms, 15s, 2m, 1h or a number of seconds)`,
  ),
  settings(
    'a negative duration',
    'probes:\n  server-list: {timeout: -1s}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.timeout is '-1s'; it must be a duration (500ms, 15s, 2m, 1h or a number of seconds)`,
  ),
  settings(
    'a duration below zero as a number',
    'probes:\n  server-boot: {budget: -15}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-boot.budget is -15; it must be at least 1s',
  ),
  settings(
    'a duration of nothing',
    'probes:\n  server-list: {timeout: 0}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.timeout is 0; it must be at least 1ms',
  ),
  settings(
    'a duration that is true',
    'probes:\n  server-list: {slow: true}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.slow is true; it must be a duration (500ms, 15s, 2m, 1h or a number of seconds)',
  ),
  settings(
    'a duration of days',
    'probes:\n  server-boot: {delete_limit: 48h}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-boot.delete_limit is '48h'; it must be at most 24h`,
  ),
  settings(
    'an interval too short',
    'probes:\n  server-list:\n    interval: 10ms\n',
    `DIR/work/rollwatch.yaml:3: probes.server-list.interval is '10ms'; it must be at least 100ms`,
  ),
  settings(
    'fast sampling that is none',
    'probes:\n  server-list:\n    fast:\n      interval: 1s\n',
    `DIR/work/rollwatch.yaml:4: probes.server-list.fast.interval is '1s'; it must be below the interval, 1s`,
  ),
  settings(
    'slow beyond the timeout',
    'probes:\n  token: {slow: 20s}\n',
    `DIR/work/rollwatch.yaml:2: probes.token.slow is '20s'; it must be below the timeout, 10s`,
  ),
  settings(
    'connecting longer than the timeout',
    'probes:\n  server-list: {timeout: 2s, connect_timeout: 3s}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.connect_timeout is '3s'; it must be at most the timeout, 2s`,
  ),
  settings(
    'polling slower than the budget',
    'probes:\n  server-boot: {poll: 1m}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-boot.poll is '1m'; it must be below the budget, 15s`,
  ),
  settings(
    'a request longer than the budget',
    'probes:\n  server-boot: {budget: 5s, request_timeout: 6s}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-boot.request_timeout is '6s'; it must be at most the budget, 5s`,
  ),
  settings(
    'a limit of none',
    'probes:\n  server-list: {limit: 0}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.limit is 0; it must be a whole number from 1 to 1000',
  ),
  settings(
    'a limit that Nova would cut',
    'probes:\n  server-list: {limit: 5000}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.limit is 5000; it must be a whole number from 1 to 1000',
  ),
  settings(
    'a limit in words',
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
    'a connection that is none',
    'probes:\n  server-list: {connections: [reused, fresh]}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.connections[1] must be one of reused, new`,
  ),
  settings(
    'no connection at all',
    'probes:\n  server-list: {connections: []}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.connections is an empty list; it must be a list of some of reused, new, each once',
  ),
  settings(
    'a connection twice',
    'probes:\n  server-list: {connections: [new, new]}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-list.connections is a list; it must be a list of some of reused, new, each once',
  ),
  settings(
    'connections as a text',
    'probes:\n  server-list: {connections: new}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-list.connections is 'new'; it must be a list of some of reused, new, each once`,
  ),
  settings(
    'a name prefix that Nova would read as a pattern',
    "probes:\n  server-boot: {name_prefix: 'rw*'}\n",
    `DIR/work/rollwatch.yaml:2: probes.server-boot.name_prefix must be letters, digits, dots, hyphens and underscores, 1 to 63 of them, beginning with a letter or digit`,
  ),
  settings(
    'a name prefix that fits too much',
    'probes:\n  server-boot: {name_prefix: v}\n',
    `DIR/work/rollwatch.yaml:2: probes.server-boot.name_prefix must be at least 3 letters: servers are deleted by it`,
  ),
  settings(
    'an empty name prefix',
    "probes:\n  server-boot: {name_prefix: ''}\n",
    `DIR/work/rollwatch.yaml:2: probes.server-boot.name_prefix is ''; it must be letters, digits, dots, hyphens and underscores, 1 to 63 of them, beginning with a letter or digit`,
  ),
  settings(
    'a flavor that is a number',
    'probes:\n  server-boot: {flavor: 1}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-boot.flavor is 1; it must be the name or id of a flavor, in quotes',
  ),
  settings(
    'an empty network',
    "probes:\n  server-boot: {network: ''}\n",
    `DIR/work/rollwatch.yaml:2: probes.server-boot.network is ''; it must be the name or id of a network, 'auto' or 'none'`,
  ),
  settings(
    'no stuck server allowed',
    'probes:\n  server-boot: {max_stuck: 0}\n',
    'DIR/work/rollwatch.yaml:2: probes.server-boot.max_stuck is 0; it must be a whole number from 1 to 1000',
  ),
  settings(
    'every probe disabled',
    'probes:\n  server-list: {enabled: false}\n  server-boot: {enabled: false}\n  token: {enabled: false}\n',
    `DIR/work/rollwatch.yaml:1: every probe is disabled; enable one of server-list, server-boot, server-reach or token`,
  ),
  settings(
    'an overall of nothing that is enabled',
    'overall: {probes: [server-boot]}\nprobes:\n  server-boot: {enabled: false}\n',
    'DIR/work/rollwatch.yaml:1: overall.probes is server-boot, none of which is enabled; name one that is',
  ),
  settings(
    'an overall of a probe that is none',
    'overall:\n  probes: [server-list, pings]\n',
    `DIR/work/rollwatch.yaml:2: overall.probes[1] must be one of server-list, server-boot, server-reach, token`,
  ),
  settings(
    'an overall of none',
    'overall: {probes: []}\n',
    'DIR/work/rollwatch.yaml:1: overall.probes is an empty list; it must be a list of some of server-list, server-boot, server-reach, token, each once',
  ),
  settings(
    'a port alone',
    'listen: 9774\n',
    `DIR/work/rollwatch.yaml:1: listen is 9774; it must be HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'`,
  ),
  settings(
    'a host alone',
    'listen: localhost\n',
    "DIR/work/rollwatch.yaml:1: listen must be HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'",
  ),
  settings(
    'a port beyond the last',
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
    'a url that is none',
    'url: rollwatch.example\n',
    `DIR/work/rollwatch.yaml:1: url must be a URL that begins with http:// or https://`,
  ),
  settings(
    'an ftp url',
    'url: ftp://rollwatch.example/\n',
    `DIR/work/rollwatch.yaml:1: url must be a URL that begins with http:// or https://`,
  ),
  settings(
    'a url with a password in it',
    'url: https://ada:hunter2@rollwatch.example/\n',
    `DIR/work/rollwatch.yaml:1: url must be a URL without a user in it`,
  ),
  settings(
    'a token_file that is not there',
    'token_file: token\n',
    'DIR/work/rollwatch.yaml:1: token_file names a file that does not exist; name a file that can be read',
  ),
  {
    name: 'a token_file that is a folder',
    folders: ['work/token'],
    files: { ...good, 'work/rollwatch.yaml': 'token_file: token\n' },
    message:
      'DIR/work/rollwatch.yaml:1: token_file names a file that cannot be read: it is a directory; name a file that can be read',
  },
  {
    name: 'an empty token_file',
    files: { ...good, 'work/rollwatch.yaml': 'token_file: ../token\n', token: '\n' },
    message: 'DIR/work/rollwatch.yaml:1: token_file DIR/token is empty; write a token of 16 letters or more into it',
  },
  {
    name: 'a short token',
    files: { ...good, 'work/rollwatch.yaml': 'token_file: ../token\n', token: 'hunter2\n' },
    message:
      'DIR/work/rollwatch.yaml:1: token_file DIR/token holds a token that is too short; 16 letters or more are wanted',
  },
  {
    name: 'several words in the token_file',
    files: { ...good, 'work/rollwatch.yaml': 'token_file: ../token\n', token: 'token: hunter2hunter2hunter2\n' },
    message:
      'DIR/work/rollwatch.yaml:1: token_file DIR/token holds more than one word; one token of letters, digits and signs is wanted',
  },
  settings(
    'a journal that is a database elsewhere',
    'journal: postgres://db/rollwatch\n',
    `DIR/work/rollwatch.yaml:1: journal must be the path of a file`,
  ),
  { name: 'an empty --journal', files: good, flags: { journal: '' }, message: '--journal is empty; name a file' },
  settings(
    'an empty vantage',
    "vantage: ''\n",
    `DIR/work/rollwatch.yaml:1: vantage is ''; it must be letters, digits, dots, hyphens and underscores, 1 to 63 of them, beginning with a letter or digit`,
  ),
  settings(
    'a vantage with a space',
    'vantage: control room\n',
    `DIR/work/rollwatch.yaml:1: vantage must be letters, digits, dots, hyphens and underscores, 1 to 63 of them, beginning with a letter or digit`,
  ),
  settings(
    'the latest microversion',
    'compute_microversion: latest\n',
    `DIR/work/rollwatch.yaml:1: compute_microversion is 'latest'; it must be pinned, such as '2.38': an upgrade moves the latest`,
  ),
  settings(
    'the latest microversion of 2',
    'compute_microversion: "2.latest"\n',
    `DIR/work/rollwatch.yaml:1: compute_microversion is '2.latest'; it must be pinned, such as '2.38': an upgrade moves the latest`,
  ),
  settings(
    'a microversion without quotes',
    'compute_microversion: 2.60\n',
    `DIR/work/rollwatch.yaml:1: compute_microversion is 2.6; it must be a microversion of Nova, such as '2.38', in quotes`,
  ),
  settings(
    'a microversion that is none',
    "compute_microversion: '3'\n",
    `DIR/work/rollwatch.yaml:1: compute_microversion is '3'; it must be a microversion of Nova, such as '2.38'`,
  ),
  settings(
    'a stall too short to be told',
    'sampler: {stall: 1ms}\n',
    `DIR/work/rollwatch.yaml:1: sampler.stall is '1ms'; it must be at least 50ms`,
  ),
  settings(
    'a clock step too long to matter',
    'sampler: {clock_step: 2h}\n',
    `DIR/work/rollwatch.yaml:1: sampler.clock_step is '2h'; it must be at most 1m`,
  ),
  settings(
    "a time zone of Ansible's log that does not exist",
    'upgrade: {ansible_log: ansible.log, ansible_log_zone: Mars/Olympus}\n',
    "DIR/work/rollwatch.yaml:1: upgrade.ansible_log_zone must be a time zone of the IANA, such as Europe/Berlin, or 'utc' or 'local'",
  ),
  settings(
    'a log that is no file name',
    'upgrade: {ansible_log: [ansible.log]}\n',
    `DIR/work/rollwatch.yaml:1: upgrade.ansible_log is a list; it must be the path of a file`,
  ),
  settings(
    'a URL of ARA without a scheme',
    'upgrade: {ara: {url: "ara.example:8000"}}\n',
    `DIR/work/rollwatch.yaml:1: upgrade.ara.url must be a URL that begins with http:// or https://`,
  ),
  settings(
    'a password in the URL of ARA',
    'upgrade:\n  ara: {url: "http://ara:hunter2@ara.example"}\n',
    `DIR/work/rollwatch.yaml:2: upgrade.ara.url must be a URL without a user in it`,
  ),
  settings(
    'ARA as a text',
    'upgrade: {ara: "http://ara.example"}\n',
    `DIR/work/rollwatch.yaml:1: upgrade.ara must be a mapping of settings`,
  ),
  settings(
    'the password of ARA where its file belongs',
    'upgrade:\n  ara:\n    url: http://ara.example\n    password: hunter2\n',
    `DIR/work/rollwatch.yaml:4: unknown key upgrade.ara.password; known here: url, username, password_file and interval`,
  ),
  settings(
    'ARA asked too often',
    'upgrade: {ara: {url: "http://ara.example", interval: 100ms}}\n',
    `DIR/work/rollwatch.yaml:1: upgrade.ara.interval is '100ms'; it must be at least 500ms`,
  ),
  settings(
    'a user of ARA without a password',
    'upgrade:\n  ara:\n    url: http://ara.example\n    username: ada\n',
    `DIR/work/rollwatch.yaml:4: upgrade.ara.username stands without password_file; name the file as well`,
  ),
  settings(
    'a user of ARA with a colon',
    'upgrade:\n  ara: {url: http://ara.example, username: "ada:x", password_file: p}\n',
    `DIR/work/rollwatch.yaml:2: upgrade.ara.username must be a name without a colon`,
  ),
  settings(
    'a password of ARA without a user',
    'upgrade:\n  ara:\n    url: http://ara.example\n    password_file: p\n',
    `DIR/work/rollwatch.yaml:4: upgrade.ara.password_file stands without username; name the user as well`,
  ),
  settings(
    'a user of ARA without ARA',
    'upgrade:\n  ara: {username: ada, password_file: p}\n',
    `DIR/work/rollwatch.yaml:2: upgrade.ara.username stands without url; say where ARA is`,
  ),
  settings(
    'a password of ARA that is not there',
    'upgrade:\n  ara: {url: http://ara.example, username: ada, password_file: p}\n',
    `DIR/work/rollwatch.yaml:2: upgrade.ara.password_file names a file that does not exist; name a file that can be read`,
  ),
  {
    name: 'an empty password of ARA',
    files: {
      ...good,
      'work/rollwatch.yaml': 'upgrade:\n  ara: {url: http://ara.example, username: ada, password_file: p}\n',
      'work/p': '\n',
    },
    message: `DIR/work/rollwatch.yaml:2: upgrade.ara.password_file names a file that is empty; write the password into it`,
  },
  {
    name: 'several lines in the password of ARA',
    files: {
      ...good,
      'work/rollwatch.yaml': 'upgrade:\n  ara: {url: http://ara.example, username: ada, password_file: p}\n',
      'work/p': 'ada\nhunter2\n',
    },
    message: `DIR/work/rollwatch.yaml:2: upgrade.ara.password_file names a file that has several lines; one is wanted`,
  },
  settings(
    'a directory of run-upgrade.sh that is none',
    'upgrade: {run_upgrade: 2025.1}\n',
    `DIR/work/rollwatch.yaml:1: upgrade.run_upgrade is 2025.1; it must be the path of a directory, in quotes`,
  ),
  settings(
    'Grafana without a token',
    'grafana:\n  url: http://grafana.example\n',
    `DIR/work/rollwatch.yaml:2: grafana.url stands without token_file; name the file with the token of an Editor service account, or username and password_file`,
  ),
  settings(
    'a token of Grafana without Grafana',
    'grafana: {token_file: t}\n',
    `DIR/work/rollwatch.yaml:1: grafana.token_file stands without url; say where Grafana is`,
  ),
  settings(
    'a token of Grafana beside a user',
    'grafana: {url: http://grafana.example, token_file: t, username: ada, password_file: p}\n',
    `DIR/work/rollwatch.yaml:1: grafana.token_file stands beside username; one of the two is wanted`,
  ),
  settings(
    'a user of Grafana without a password',
    'grafana: {url: http://grafana.example, username: ada}\n',
    `DIR/work/rollwatch.yaml:1: grafana.username stands without password_file; name the file as well`,
  ),
  settings(
    'a token of Grafana that is not there',
    'grafana: {url: http://grafana.example, token_file: t}\n',
    `DIR/work/rollwatch.yaml:1: grafana.token_file names a file that does not exist; name a file that can be read`,
  ),
  settings(
    'the token of Grafana where its file belongs',
    'grafana: {url: http://grafana.example, token: hunter2}\n',
    `DIR/work/rollwatch.yaml:1: unknown key grafana.token; known here: url, token_file, username, password_file and tasks`,
  ),
  settings(
    'a log level that is none',
    'log:\n  level: loud\n',
    `DIR/work/rollwatch.yaml:2: log.level must be one of debug, info, warn, error`,
  ),
  settings(
    'clouds as a text',
    'clouds: one\n',
    `DIR/work/rollwatch.yaml:1: clouds must be a list of clouds of clouds.yaml, at most 1000 of them`,
  ),
  settings(
    'no clouds',
    'clouds: []\n',
    'DIR/work/rollwatch.yaml:1: clouds is an empty list; it must be a list of clouds of clouds.yaml, at most 1000 of them',
  ),
  settings(
    'a cloud without a name',
    'clouds:\n  - region: RegionOne\n',
    'DIR/work/rollwatch.yaml:2: clouds[0].name is missing; it must be the name of a cloud in clouds.yaml',
  ),
  settings(
    'a cloud whose name is a number',
    'clouds:\n  - 7\n',
    'DIR/work/rollwatch.yaml:2: clouds[0] is 7; it must be the name of a cloud in clouds.yaml, or a mapping with its name',
  ),
  settings(
    'an unknown key of a cloud',
    'clouds:\n  - name: one\n    regions: RegionOne\n',
    'DIR/work/rollwatch.yaml:3: unknown key clouds[0].regions; did you mean region?',
  ),
  settings(
    'a probe of a cloud beside probes',
    'clouds:\n  - name: one\n    token: {enabled: false}\n',
    'DIR/work/rollwatch.yaml:3: unknown key clouds[0].token; known here: name, region, compute_microversion, diagnosis, probes and checks',
  ),
  settings(
    'a password of a cloud, which belongs elsewhere',
    'clouds:\n  - name: one\n    password: hunter2\n',
    'DIR/work/rollwatch.yaml:3: unknown key clouds[0].password; known here: name, region, compute_microversion, diagnosis, probes and checks',
  ),
  settings(
    'an unknown key of a probe of a cloud',
    'clouds:\n  - name: one\n    probes:\n      token: {intervall: 1s}\n',
    'DIR/work/rollwatch.yaml:4: unknown key clouds[0].probes.token.intervall; did you mean interval?',
  ),
  settings(
    'a bad duration of a probe of a cloud',
    'clouds:\n  - name: one\n    probes:\n      token:\n        interval: 1parsec\n',
    `DIR/work/rollwatch.yaml:5: clouds[0].probes.token.interval must be a duration (500ms, 15s, 2m, 1h or a number of seconds)`,
  ),
  settings(
    'a cloud whose settings contradict those of all',
    'probes:\n  token: {fast: {interval: 2s}}\nclouds:\n  - name: one\n    probes: {token: {interval: 1s}}\n',
    `DIR/work/rollwatch.yaml:5: clouds[0].probes.token.fast.interval is '2s'; it must be below the interval, 1s`,
  ),
  settings(
    'every probe disabled for a cloud',
    'clouds:\n  - name: one\n    probes:\n      server-list: {enabled: false}\n      server-boot: {enabled: false}\n      token: {enabled: false}\n',
    `DIR/work/rollwatch.yaml:3: clouds[0]: every probe is disabled; enable one of server-list, server-boot, server-reach or token`,
  ),
  settings(
    'the same cloud twice',
    'clouds:\n  - one\n  - name: one\n',
    `DIR/work/rollwatch.yaml:3: clouds[1] is the cloud of clouds[0]; name each cloud once, or each time with another region`,
  ),
  settings(
    'the same region of a cloud twice',
    'clouds:\n  - {name: one, region: north}\n  - {name: one, region: south}\n  - {name: one, region: north}\n',
    `DIR/work/rollwatch.yaml:4: clouds[2] is the cloud of clouds[0]; name each cloud once, or each time with another region`,
  ),
  settings(
    'a cloud and a region of it',
    'clouds:\n  - {name: one, region: north}\n  - one\n',
    `DIR/work/rollwatch.yaml:3: clouds[1] is the cloud of clouds[0]; name each cloud once, or each time with another region`,
  ),
  settings(
    'a cloud that is not in clouds.yaml',
    'clouds: [two]\n',
    `DIR/work/rollwatch.yaml:1: clouds[0]: there is no such cloud in DIR/work/clouds.yaml; it holds one`,
  ),
  settings(
    'a region of a cloud that is a list',
    'clouds:\n  - name: one\n    region: [a]\n',
    'DIR/work/rollwatch.yaml:3: clouds[0].region is a list; it must be the name of a region',
  ),
  settings(
    'a diagnosis of an unknown cloud',
    'diagnosis: {cloud: one-admin}\n',
    `DIR/work/rollwatch.yaml:1: diagnosis.cloud: there is no such cloud in DIR/work/clouds.yaml; it holds one`,
  ),
  settings(
    'a diagnosis that is a name',
    'diagnosis: one-admin\n',
    `DIR/work/rollwatch.yaml:1: diagnosis must be a mapping of settings`,
  ),
  {
    name: 'one diagnosis for several clouds',
    files: {
      'work/clouds.yaml': `${GOOD_CLOUDS}  two: {auth: {auth_url: http://b, username: u, password: p, project_name: q}}\n`,
      'work/rollwatch.yaml': 'clouds: [one, two]\ndiagnosis:\n  cloud: one\n',
    },
    message: `DIR/work/rollwatch.yaml:3: diagnosis.cloud is for one cloud, and there are several; put it into the entry of clouds that it is about`,
  },
];
