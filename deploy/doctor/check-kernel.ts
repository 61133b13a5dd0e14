import { runCommand } from '../command.ts'
import type { Settings } from '../settings.ts'
import { type Finding, good } from './finding.ts'

/** One rule for each feature of nftables that Services need. */
const RULES: readonly { feature: string; rules: string }[] = [
  { feature: 'nat chains (nf_tables, nft_chain_nat)', rules: 'chain c { type nat hook prerouting priority dstnat; }' },
  {
    feature: 'maps over address, protocol and port',
    rules: 'map m { typeof ip daddr . meta l4proto . th dport : verdict; }; chain c { ip daddr . meta l4proto . th dport vmap @m; }',
  },
  {
    feature: 'a random endpoint (nft_numgen)',
    rules:
      'chain c { type nat hook prerouting priority dstnat; meta l4proto tcp dnat to numgen random mod 2 map { 0 : 192.0.2.1, 1 : 192.0.2.2 }; }',
  },
  {
    feature: 'addresses of this host (nft_fib)',
    rules: 'chain c { type nat hook prerouting priority dstnat; fib daddr type local accept; }',
  },
  { feature: 'masquerade (nft_masq)', rules: 'chain c { type nat hook postrouting priority srcnat; ct status dnat masquerade; }' },
  { feature: 'reject (nft_reject)', rules: 'chain c { type filter hook forward priority filter; ct state new reject; }' },
]

/** What kube-proxy asks of the kernel. Tried in the worker image where there is one, else with this machine's nft; nothing is changed. */
export async function checkKernel(settings: Settings): Promise<Finding[]> {
  const tool = await findTool(settings)
  if (tool === undefined)
    return [{ state: 'unknown', text: 'nftables: not checked, there is no nft here yet', cure: 'deploy/packages.sh nftables' }]
  const findings: Finding[] = []
  for (const { feature, rules } of RULES) {
    const [command = '', ...args] = tool
    const result = await runCommand(command, args, { input: `table ip coxswain-doctor {\n${rules.replaceAll(' }', '\n}')}\n}\n` })
    if (result.code === 0) continue
    const cause = (result.stderr || result.stdout).trim().split('\n')[0] ?? ''
    if (/Operation not permitted|must be root/.test(cause))
      return [{ state: 'unknown', text: 'nftables: not checked, that needs root', cure: 'sudo make doctor' }]
    findings.push({
      state: 'failed',
      text: `nftables: the kernel lacks ${feature}: ${cause}`,
      cure: 'load or build the module named in brackets',
    })
  }
  return findings.length > 0 ? findings : [good('nftables: all that Services need')]
}

async function findTool(settings: Settings): Promise<string[] | undefined> {
  const path = `${process.env['PATH']}:/usr/sbin:/sbin`
  if ((await runCommand('sh', ['-c', 'command -v nft'], { env: { PATH: path } })).code === 0)
    return ['env', `PATH=${path}`, 'nft', '-c', '-f', '-']
  const found = await runCommand('docker', ['image', 'inspect', settings.workerImage]).catch(() => undefined)
  if (found?.code !== 0) return undefined
  return [
    'docker',
    'run',
    '--rm',
    '-i',
    '--cap-add',
    'NET_ADMIN',
    '--network',
    'none',
    '--entrypoint',
    'nft',
    settings.workerImage,
    '-c',
    '-f',
    '-',
  ]
}
