import { outputOf } from '../../deploy/command.ts'
import { machineFolder } from '../../deploy/lab/namespaces/lab-state.ts'
import { LAB } from './lab-of-tests.ts'
import type { LabUnderTest } from './use-lab.ts'

/** What a removal must leave as it was. The engine's own files are its business; logs of the engine grow. */
const looks: Readonly<Record<string, string>> = {
  links: 'ip -o link show | cut -d: -f2 | sort',
  addresses: "ip -o addr show | awk '{print $2, $4}' | sort",
  routes: 'ip route show table all | sort',
  rules: 'nft list ruleset',
  iptables: 'iptables-save | grep -v "^#" | sed "s/\\[[0-9:]*\\]//"',
  forwarding: 'cat /proc/sys/net/ipv4/ip_forward',
  processes: "ps -e -o args= | grep -vE '^(ps|sort|sh|bash|grep|\\[)' | sort",
  mounts: "cut -d' ' -f5 /proc/self/mountinfo | sort",
  groups: "find /sys/fs/cgroup -maxdepth 2 -name 'kubepods*'",
  containers: 'docker ps -aq',
  images: 'docker image ls -q | sort',
  volumes: 'docker volume ls -q',
}

/** What differs from the outer machine's /etc, /usr, /root and /opt, and all of /var: seen from outside, in the machine's overlays. */
const filesOf = `cd "$1"; find changed ! -type d -printf '%p %y %m %l\\n' | sort; find changed -type f -exec sha256sum {} + | sort -k2
find var \\( -path var/lib/docker -o -path var/tmp/bundle \\) -prune -o ! -path var/log/dockerd.log -printf '%p %y %m %l\\n' | sort`

/** Everything that a cluster could have left on a machine, as lines. */
export async function snapshotOf(lab: Pick<LabUnderTest, 'on'>, machine: string): Promise<Readonly<Record<string, string[]>>> {
  const files = await outputOf('sh', ['-c', filesOf, 'sh', machineFolder(LAB, machine)])
  const found: Record<string, string[]> = { files: files.split('\n') }
  for (const [what, line] of Object.entries(looks)) found[what] = (await lab.on(machine, 'sh', '-c', `${line}; true`)).split('\n')
  return found
}
