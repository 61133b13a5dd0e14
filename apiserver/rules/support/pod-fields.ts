import { type DefinitionSupport, type Exception, equal, type SupportTable, unlike } from './field-support.ts'

const fails = (why: string, of?: Exception['of']): Exception => ({ is: 'fails', why, ...(of ? { of } : {}) })
const warned = (why: string, of?: Exception['of']): Exception => ({ is: 'warned', why, ...(of ? { of } : {}) })
const refused = (why: string, of?: Exception['of']): Exception => ({ is: 'refused', why, ...(of ? { of } : {}) })
const ignored = (why: string): Exception => ({ is: 'ignored', why })

const elsewhere = fails('volumes of this type are not provided by the nodes of this cluster; the pod will wait for it for ever')
const retired = fails('this type of volume was retired upstream; the pod will wait for it for ever')
const linuxOnly = ignored('about Windows; every node here runs Linux')
const noAppArmor = fails('only `RuntimeDefault` can be had, and only on a node with AppArmor; other nodes refuse the pod', {
  said: 'type not `Unconfined`',
  holds: (value) => typeOf(value) !== 'Unconfined',
})
const noLocalProfile = fails('nodes have no seccomp profiles of their own; its containers will not be made', {
  said: 'type `Localhost`',
  holds: (value) => typeOf(value) === 'Localhost',
})
const noSELinux = warned('has no effect: SELinux labels are not set')

const filledByDrivers = warned('done by provisioners of CSI drivers; with the built-in provisioner the claim waits, and an event says why')

function typeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
}

const container: DefinitionSupport = {
  done:
    'name image command args workingDir ports envFrom env resources restartPolicy restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe ' +
    'startupProbe lifecycle resizePolicy terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty',
}

/** Everything that a PodSpec can say, volumes apart. */
export const podFields: SupportTable = {
  PodSpec: {
    done:
      'volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector ' +
      'serviceAccountName serviceAccount automountServiceAccountToken nodeName hostNetwork hostPID hostIPC shareProcessNamespace securityContext ' +
      'imagePullSecrets hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates ' +
      'enableServiceLinks topologySpreadConstraints setHostnameAsFQDN schedulingGates hostnameOverride resources runtimeClassName overhead preemptionPolicy',
    except: {
      os: fails('every node here runs Linux and refuses the pod', { said: 'not `linux`', holds: isOtherSystem }),
      hostUsers: fails('user namespaces are not provided by the nodes of this cluster; the pod will not start', equal(false)),
      resourceClaims: warned('has no effect: devices are not allocated in this cluster'),
      schedulingGroup: warned('has no effect: pods are scheduled one by one'),
    },
  },
  Container: container,
  EphemeralContainer: { ...container, done: `${container.done} targetContainerName` },
  ContainerPort: { done: 'name hostPort containerPort protocol hostIP' },
  ContainerResizePolicy: { done: 'resourceName restartPolicy' },
  EnvFromSource: { done: 'prefix configMapRef secretRef' },
  ConfigMapEnvSource: { done: 'name optional' },
  SecretEnvSource: { done: 'name optional' },
  EnvVar: { done: 'name value valueFrom' },
  EnvVarSource: {
    done: 'fieldRef resourceFieldRef configMapKeyRef secretKeyRef',
    except: { fileKeyRef: fails('variables are not read from files by the nodes of this cluster; the container will not be made') },
  },
  ObjectFieldSelector: { done: 'apiVersion fieldPath' },
  ResourceFieldSelector: { done: 'containerName resource divisor' },
  ConfigMapKeySelector: { done: 'name key optional' },
  SecretKeySelector: { done: 'name key optional' },
  ResourceRequirements: {
    done: 'limits requests',
    except: { claims: warned('has no effect: devices are not allocated in this cluster') },
  },
  ContainerRestartRule: { done: 'action exitCodes' },
  ContainerRestartRuleOnExitCodes: { done: 'operator values' },
  VolumeDevice: { done: 'name devicePath' },
  VolumeMount: {
    done: 'name readOnly mountPath subPath mountPropagation subPathExpr',
    except: {
      recursiveReadOnly: fails(
        'mounts inside of the volume stay writable, which the runtime cannot change; the container will not be made',
        equal('Enabled'),
      ),
    },
  },
  Probe: {
    done: 'exec httpGet tcpSocket grpc initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds',
  },
  ExecAction: { done: 'command' },
  HTTPGetAction: { done: 'path port host scheme httpHeaders' },
  HTTPHeader: { done: 'name value' },
  TCPSocketAction: { done: 'port host' },
  GRPCAction: { done: 'port service' },
  Lifecycle: { done: 'postStart preStop stopSignal' },
  LifecycleHandler: {
    done: 'exec httpGet sleep',
    except: { tcpSocket: ignored('never did anything in hooks; the API keeps it for old objects, as upstream') },
  },
  SleepAction: { done: 'seconds' },
  SecurityContext: {
    done: 'capabilities privileged runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation',
    except: {
      seLinuxOptions: noSELinux,
      windowsOptions: linuxOnly,
      procMount: refused('asks for `hostUsers: false`, as upstream, which no node here provides', equal('Unmasked')),
      seccompProfile: noLocalProfile,
      appArmorProfile: noAppArmor,
    },
  },
  Capabilities: { done: 'add drop' },
  PodSecurityContext: {
    done: 'fsGroupChangePolicy runAsUser runAsGroup runAsNonRoot supplementalGroups fsGroup sysctls',
    except: {
      seLinuxOptions: noSELinux,
      windowsOptions: linuxOnly,
      supplementalGroupsPolicy: warned(
        'done by nodes with Docker where each container has a `runAsGroup`; others merge the groups of the image and refuse the pod',
        equal('Strict'),
      ),
      seccompProfile: noLocalProfile,
      appArmorProfile: noAppArmor,
      seLinuxChangePolicy: ignored('about SELinux labels, which are not set'),
    },
  },
  Sysctl: { done: 'name value' },
  LocalObjectReference: { done: 'name' },
  Affinity: { done: 'nodeAffinity podAffinity podAntiAffinity' },
  NodeAffinity: { done: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution' },
  NodeSelector: { done: 'nodeSelectorTerms' },
  NodeSelectorTerm: { done: 'matchExpressions matchFields' },
  NodeSelectorRequirement: { done: 'key operator values' },
  PreferredSchedulingTerm: { done: 'weight preference' },
  PodAffinity: { done: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution' },
  PodAntiAffinity: { done: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution' },
  PodAffinityTerm: { done: 'labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys' },
  WeightedPodAffinityTerm: { done: 'weight podAffinityTerm' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector': { done: 'matchLabels matchExpressions' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement': { done: 'key operator values' },
  Toleration: { done: 'key operator value effect tolerationSeconds' },
  HostAlias: { done: 'ip hostnames' },
  PodDNSConfig: { done: 'nameservers searches options' },
  PodDNSConfigOption: { done: 'name value' },
  PodReadinessGate: { done: 'conditionType' },
  TopologySpreadConstraint: {
    done: 'maxSkew topologyKey whenUnsatisfiable labelSelector minDomains nodeAffinityPolicy nodeTaintsPolicy matchLabelKeys',
  },
  PodSchedulingGate: { done: 'name' },
}

function isOtherSystem(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && value.name !== 'linux'
}

/** The ways to have a volume. */
export const volumeFields: SupportTable = {
  Volume: {
    done: 'name hostPath emptyDir secret downwardAPI configMap projected persistentVolumeClaim ephemeral nfs csi',
    except: {
      ...Object.fromEntries(['iscsi', 'fc', 'image', 'azureDisk', 'azureFile'].map((type) => [type, elsewhere])),
      ...Object.fromEntries(
        ['awsElasticBlockStore', 'gcePersistentDisk', 'cinder', 'vsphereVolume', 'portworxVolume'].map((type) => [type, elsewhere]),
      ),
      ...Object.fromEntries(['gitRepo', 'glusterfs', 'rbd', 'flexVolume', 'cephfs', 'flocker'].map((type) => [type, retired])),
      ...Object.fromEntries(['quobyte', 'photonPersistentDisk', 'scaleIO', 'storageos'].map((type) => [type, retired])),
    },
  },
  HostPathVolumeSource: { done: 'path type' },
  CSIVolumeSource: { done: 'driver readOnly fsType volumeAttributes nodePublishSecretRef' },
  NFSVolumeSource: { done: 'server path readOnly' },
  PersistentVolumeClaimVolumeSource: { done: 'claimName readOnly' },
  EphemeralVolumeSource: { done: 'volumeClaimTemplate' },
  PersistentVolumeClaimTemplate: { done: 'metadata spec' },
  PersistentVolumeClaimSpec: {
    done: 'accessModes selector resources volumeName storageClassName volumeMode',
    except: {
      dataSource: filledByDrivers,
      dataSourceRef: filledByDrivers,
      volumeAttributesClassName: warned('has no effect: no driver here knows attributes of volumes'),
    },
  },
  VolumeResourceRequirements: {
    done: 'requests',
    except: { limits: ignored('upstream has it for LimitRanges alone; nothing keeps a volume below it') },
  },
  EmptyDirVolumeSource: {
    done: 'sizeLimit',
    except: {
      medium: fails('huge pages are not provided; the pod will wait for it for ever', unlike('', 'Memory')),
    },
  },
  SecretVolumeSource: { done: 'secretName items defaultMode optional' },
  ConfigMapVolumeSource: { done: 'name items defaultMode optional' },
  KeyToPath: { done: 'key path mode' },
  DownwardAPIVolumeSource: { done: 'items defaultMode' },
  DownwardAPIVolumeFile: { done: 'path fieldRef resourceFieldRef mode' },
  ProjectedVolumeSource: { done: 'sources defaultMode' },
  VolumeProjection: {
    done: 'secret downwardAPI configMap serviceAccountToken',
    except: {
      clusterTrustBundle: fails('trust bundles are not served; the pod will wait for it for ever'),
      podCertificate: fails('certificates are not issued to pods; the pod will wait for it for ever'),
    },
  },
  SecretProjection: { done: 'name items optional' },
  ConfigMapProjection: { done: 'name items optional' },
  DownwardAPIProjection: { done: 'items' },
  ServiceAccountTokenProjection: { done: 'audience expirationSeconds path' },
}
