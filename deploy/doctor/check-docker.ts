import { runCommand } from '../command.ts'
import { type Finding, good } from './finding.ts'

interface EngineInfo {
  ServerVersion?: string
  Driver?: string
  CgroupVersion?: string
  MemoryLimit?: boolean
  CpuCfsQuota?: boolean
  PidsLimit?: boolean
  OSType?: string
  SecurityOptions?: string[]
}

/** The engine, its storage, its cgroups. */
export async function checkDocker(): Promise<Finding[]> {
  const result = await runCommand('docker', ['info', '--format', '{{json .}}']).catch(() => undefined)
  const info = result?.code === 0 ? (JSON.parse(result.stdout) as EngineInfo) : undefined
  if (!info?.ServerVersion) {
    return [
      {
        state: 'warning',
        text: 'no Docker Engine answers',
        cure: "'make up' starts one, and installs it where there is none (deploy/engine.sh)",
      },
    ]
  }
  const findings: Finding[] = [good(`Docker Engine ${info.ServerVersion}`)]
  if (info.OSType !== 'linux')
    findings.push({ state: 'failed', text: `the engine runs ${info.OSType} containers`, cure: 'switch it to Linux containers' })
  if (info.Driver === 'vfs') {
    findings.push({
      state: 'warning',
      text: 'storage: vfs, which copies whole images',
      cure: "put the engine's data on ext4 or xfs for overlay2",
    })
  } else findings.push(good(`storage: ${info.Driver}`))
  const lacking = (['MemoryLimit', 'CpuCfsQuota', 'PidsLimit'] as const).filter((feature) => info[feature] === false)
  if (lacking.length === 0) findings.push(good(`cgroups: version ${info.CgroupVersion}, with memory, CPU and process limits`))
  else {
    const cure = 'enable the memory, cpu and pids cgroup controllers (kernel command line: cgroup_enable=memory)'
    findings.push({
      state: 'warning',
      text: `cgroups: version ${info.CgroupVersion}, without ${lacking.join(', ')}: those limits of pods will not hold`,
      cure,
    })
  }
  if (info.SecurityOptions?.some((option) => option.includes('rootless'))) {
    findings.push({
      state: 'failed',
      text: 'the engine is rootless: its containers cannot run an engine of their own',
      cure: 'use an engine that runs as root',
    })
  }
  return findings
}
