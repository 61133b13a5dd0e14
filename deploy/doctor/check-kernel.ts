import { featureText, KERNEL_FEATURES } from '../../shared/machine/kernel-features.ts'
import { runCommand } from '../command.ts'
import type { Settings } from '../settings.ts'
import { type Finding, good } from './finding.ts'

/** What kube-proxy asks of the kernel. Tried in the worker image where there is one, else with this machine's nft; nothing is changed. */
export async function checkKernel(settings: Settings): Promise<Finding[]> {
  const tool = await findTool(settings)
  if (tool === undefined)
    return [{ state: 'unknown', text: 'nftables: not checked, there is no nft here yet', cure: 'deploy/packages.sh nftables' }]
  const findings: Finding[] = []
  for (const each of KERNEL_FEATURES) {
    const [command = '', ...args] = tool
    const result = await runCommand(command, args, { input: featureText(each) })
    if (result.code === 0) continue
    const cause = (result.stderr || result.stdout).trim().split('\n')[0] ?? ''
    if (/Operation not permitted|must be root/.test(cause))
      return [{ state: 'unknown', text: 'nftables: not checked, that needs root', cure: 'sudo make doctor' }]
    findings.push({
      state: 'failed',
      text: `nftables: the kernel lacks ${each.feature}: ${cause}`,
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
