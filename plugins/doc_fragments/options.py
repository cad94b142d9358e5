# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that modules share; each part has its argument spec, of the same name, in _tasks/argument_specs."""

    CONNECTION = r"""
options:
  spf_url:
    description:
      - Root URL of SPF's VMM service, as for any other client. It may contain C({subscription_id}).
      - C(https://HOST:8090/SC2012R2/VMM/{subscription_id}/Microsoft.Management.Odata.svc) for SPF itself, and
        C(https://HOST:30005/{subscription_id}/services/systemcenter/vmm) through Windows Azure Pack.
      - If not set, the environment variable E(SPF_URL) is used.
    type: str
  spf_subscription_id:
    description:
      - The tenant's subscription, which replaces C({subscription_id}) in O(spf_url).
      - If not set, the environment variable E(SPF_SUBSCRIPTION_ID) is used.
    type: str
  spf_stamp_id:
    description:
      - GUID of the VMM stamp. Discovered when not given. Needed if the tenant sees more than one.
      - If not set, the environment variable E(SPF_STAMP_ID) is used.
    type: str
  spf_principal_id:
    description:
      - Value of the header C(x-ms-principal-id), which SPF shows as the user on whose behalf a job ran. When not given,
        the user name is sent if it is printable ASCII.
      - If not set, the environment variable E(SPF_PRINCIPAL_ID) is used.
    type: str
  spf_auth:
    description:
      - How to sign in to SPF; V(auto) when not given.
      - V(auto) takes V(bearer) where O(spf_token) or O(spf_token_file) is given, and V(certificate) where
        O(spf_client_cert) is. Otherwise it asks the server, and takes the strongest way that the server offers and the
        options allow. That is Kerberos (with O(spf_keytab), O(spf_password) or a ticket from the cache), then NTLM, and
        Basic only where the server offers nothing better. It never tries a password a second time after a refusal.
      - V(kerberos), V(ntlm), V(basic), V(bearer) and V(certificate) are taken as they are, and replaced by nothing.
        V(negotiate) is Kerberos, else NTLM, where the server offers Negotiate.
      - V(basic) and V(ntlm) need O(spf_username) and O(spf_password). Windows authentication needs the Python package
        pyspnego where the module runs, Kerberos C(pyspnego[kerberos]).
      - If not set, the environment variable E(SPF_AUTH) is used.
    type: str
    choices: [auto, kerberos, ntlm, negotiate, basic, bearer, certificate]
  spf_username:
    description:
      - User name for SPF, for example V(CONTOSO\\svc-ansible), or V(svc-ansible@CONTOSO.COM) for Kerberos. It cannot
        contain a colon.
      - If not set, the environment variable E(SPF_USERNAME) is used.
    type: str
  spf_password:
    description:
      - Password for SPF.
      - If not set, the environment variable E(SPF_PASSWORD) is used.
    type: str
  spf_token:
    description:
      - A token for Windows Azure Pack, with or without C(Bearer) before it. It is not renewed.
      - If not set, the environment variable E(SPF_TOKEN) is used.
    type: str
  spf_token_file:
    description:
      - A file that holds such a token. It is read again when it changes, so that another program may renew the token.
      - If not set, the environment variable E(SPF_TOKEN_FILE) is used.
    type: path
  spf_keytab:
    description:
      - A keytab with the key of O(spf_username), instead of O(spf_password), for Kerberos. If it cannot be used, the
        task fails.
      - Without a keytab and a password the ticket in the credential cache (C(KRB5CCNAME)) is used.
      - If not set, the environment variable E(SPF_KEYTAB) is used.
    type: path
  spf_service_principal:
    description:
      - The service principal name (SPN) of SPF where it is not C(HTTP/) and the host of O(spf_url), for example
        V(HTTP/spf01.contoso.com) behind an alias. The realm comes from krb5.conf.
      - If not set, the environment variable E(SPF_SERVICE_PRINCIPAL) is used.
    type: str
  spf_channel_bindings:
    description:
      - Whether Windows authentication is bound to the TLS connection (extended protection, EPA). V(auto), when not
        given, binds it. V(omit) is for a proxy that ends TLS before a server which does not demand the binding.
      - If not set, the environment variable E(SPF_CHANNEL_BINDINGS) is used.
    type: str
    choices: [auto, omit]
  spf_client_cert:
    description:
      - A client certificate, as a PEM or PFX file. Only SPF is shown it. A PFX file needs the Python package
        cryptography where the module runs.
      - If not set, the environment variable E(SPF_CLIENT_CERT) is used.
    type: path
  spf_client_key:
    description:
      - The private key of O(spf_client_cert) in PEM, where that file does not hold it.
      - If not set, the environment variable E(SPF_CLIENT_KEY) is used.
    type: path
  spf_client_cert_password:
    description:
      - The password of the PFX file or of the encrypted key.
      - If not set, the environment variable E(SPF_CLIENT_CERT_PASSWORD) is used.
    type: str
  spf_update_method:
    description:
      - How changes are sent to SPF; V(merge) when not given, as SPF documents it. V(patch) and V(post_tunnel) are for
        proxies that do not pass MERGE. V(put) sends the whole entity as it was just read.
      - If not set, the environment variable E(SPF_UPDATE_METHOD) is used.
    type: str
    choices: [merge, put, patch, post_tunnel]
  subscription_id:
    description:
      - Azure subscription. A VM's ARM id already names it. So it is needed only where a resource is given by name (the
        modules C(restore_point), C(restore_point_collection) and C(restore_point_collection_info)), and for the scopes
        V(scvmm) and V(compute) of M(hybridvm.checkpoints.vm_checkpoint_info).
      - If not set, the environment variable E(AZURE_SUBSCRIPTION_ID) is used.
    type: str
  tenant:
    description:
      - Microsoft Entra tenant to sign in to.
      - If not set, the environment variables E(AZURE_TENANT) or E(AZURE_TENANT_ID) are used.
    type: str
  client_id:
    description:
      - Application (client) id of the service principal.
      - If not set, the environment variable E(AZURE_CLIENT_ID) is used.
    type: str
  secret:
    description:
      - Client secret of the service principal.
      - If not set, the environment variables E(AZURE_SECRET) or E(AZURE_CLIENT_SECRET) are used.
    type: str
  access_token:
    description:
      - An access token for Azure Resource Manager, with or without C(Bearer) before it, instead of other credentials.
        It is not renewed.
      - If not set, the environment variable E(AZURE_ACCESS_TOKEN) is used.
    type: str
  x509_certificate_path:
    description:
      - File with the private key and the certificate of the service principal, as PEM or PFX, instead of O(secret).
        Needs the Python package C(msal).
      - If not set, the environment variables E(AZURE_X509_CERTIFICATE_PATH) or E(AZURE_CLIENT_CERTIFICATE_PATH) are
        used.
    type: path
  x509_certificate_password:
    description:
      - Password of O(x509_certificate_path), where it has one.
      - If not set, the environment variable E(AZURE_CLIENT_CERTIFICATE_PASSWORD) is used.
    type: str
  thumbprint:
    description:
      - Thumbprint of the certificate, SHA-1 in hexadecimal. Needed only where O(x509_certificate_path) holds
        the key alone. Where it holds the certificate too, the two must agree.
      - If not set, the environment variable E(AZURE_THUMBPRINT) is used.
    type: str
  send_certificate_chain:
    description:
      - Whether to send the certificates of O(x509_certificate_path) along, for applications that trust a subject name
        and issuer instead of one certificate; V(false) when not given.
      - If not set, the environment variable E(AZURE_CLIENT_SEND_CERTIFICATE_CHAIN) is used.
    type: bool
  federated_token_file:
    description:
      - File with the token of another identity provider (workload identity federation), as AKS projects it, instead of
        O(secret). The file is read again for each new access token.
      - If not set, the environment variable E(AZURE_FEDERATED_TOKEN_FILE) is used.
    type: path
  service_connection_id:
    description:
      - Id of the service connection, for O(auth_source=oidc) in Azure Pipelines.
      - If not set, the environment variable E(AZURESUBSCRIPTION_SERVICE_CONNECTION_ID) is used.
    type: str
  profile:
    description:
      - Section of C(~/.azure/credentials) with the credentials, V(default) when not given. Giving it makes V(auto) use
        that file.
      - If not set, the environment variable E(AZURE_PROFILE) is used.
    type: str
  auth_source:
    description:
      - Where the Azure credentials come from; V(auto) when not given.
      - V(auto) takes the first of the task's options, the environment, C(~/.azure/credentials) and C(az login) that
        holds credentials. The environment completes what the task begins. Credentials that are refused end the task;
        no others are tried.
      - V(env) takes the environment only, V(credential_file) O(profile) of C(~/.azure/credentials), V(cli) the identity
        of C(az login), V(token) O(access_token).
      - V(msi) is the managed identity of the machine (virtual machine, App Service, Azure Arc), the one of O(client_id)
        where that is given. It needs the Python package C(msal).
      - V(oidc) exchanges a token of the pipeline. That is the one of O(federated_token_file) where it is set, or one
        that GitHub Actions or Azure Pipelines issues. It needs O(tenant) and O(client_id).
      - If not set, the environment variable E(ANSIBLE_AZURE_AUTH_SOURCE) is used.
    type: str
    choices: [auto, env, credential_file, cli, msi, oidc, token]
  token_cache:
    description:
      - Whether to keep access tokens in C(~/.cache/hybridvm.checkpoints) for later tasks of the same user; V(false)
        when not given. Secrets are never kept there.
      - If not set, the environment variable E(HYBRIDVM_TOKEN_CACHE) is used.
    type: bool
  cloud_environment:
    description:
      - V(AzureCloud) (when not given), V(AzureUSGovernment), V(AzureChinaCloud), or the https URL of a resource manager
        that describes itself under C(/metadata/endpoints), such as a private cloud or the simulator. It may direct
        sign-ins only to itself, to hosts of its own domain, or to Microsoft.
      - If not set, the environment variable E(AZURE_CLOUD_ENVIRONMENT) is used.
    type: str
  scvmm_api_version:
    description:
      - C(api-version) of C(Microsoft.ScVmm); V(2024-06-01) when not given. The checkpoint calls are the same in
        V(2023-10-07), V(2024-06-01) and V(2025-03-13).
      - If not set, the environment variable E(HYBRIDVM_SCVMM_API_VERSION) is used.
    type: str
  compute_api_version:
    description:
      - C(api-version) of C(Microsoft.Compute) for VMs, restore point collections and restore points; V(2024-07-01) when
        not given.
      - If not set, the environment variable E(HYBRIDVM_COMPUTE_API_VERSION) is used.
    type: str
  disk_api_version:
    description:
      - C(api-version) of C(Microsoft.Compute) for disks and disk restore points; V(2024-03-02) when not given.
      - If not set, the environment variable E(HYBRIDVM_DISK_API_VERSION) is used.
    type: str
  ca_path:
    description:
      - PEM file or directory of certificate authorities to trust, in addition to the system's. Where the Python package
        truststore is installed, the operating system's own store is asked, else the files of Python's OpenSSL.
      - If not set, the environment variable E(HYBRIDVM_CA_PATH) is used.
    type: path
  validate_certs:
    description:
      - Whether the servers' certificates are checked; V(true) when not given. If they are not, anyone on the network
        path can read passwords and tokens. Use O(ca_path) instead.
      - If not set, the environment variable E(HYBRIDVM_VALIDATE_CERTS) is used.
    type: bool
requirements:
  - python >= 3.11
  - httpx >= 0.27
  - pydantic >= 2.7
  - anyio >= 4.4
  - msal >= 1.29, for O(x509_certificate_path) and O(auth_source=msi) only
notes:
  - A module sends HTTPS requests from where it runs, so use C(delegate_to=localhost). With
    C(connection=local), or if localhost is in the inventory, Ansible looks for a Python and may find one without the
    libraries. Set C(ansible_python_interpreter) to C({{ ansible_playbook_python }}) there.
  - Proxies are taken from the environment (E(HTTPS_PROXY), E(NO_PROXY)).
"""

    VMS = r"""
options:
  vm:
    description:
      - The VM. Cannot be combined with O(vms).
      - A leading slash makes it an ARM resource id, in any case, of a hybrid machine
        (C(/subscriptions/…/providers/Microsoft.HybridCompute/machines/NAME), optionally followed by
        C(/providers/Microsoft.ScVmm/virtualMachineInstances/default)) or of an Azure VM
        (C(/subscriptions/…/providers/Microsoft.Compute/virtualMachines/NAME)).
      - Anything else is a VM of SPF, by GUID or by a name that is unique in scope. A GUID is looked up as VMM's ID
        first, then as the hypervisor's.
    type: str
  vms:
    description:
      - Several VMs, of any mix of services. All are looked up before anything is changed. The same VM twice is an
        error.
    type: list
    elements: str
  collection:
    description:
      - For Azure VMs, the restore point collection of their checkpoints, by name in the VM's resource group or by ARM
        id; C(checkpoints-VMNAME) when not given. It is created in the VM's region, together with the first checkpoint.
    type: str
  concurrency:
    description: How many VMs to work on at once, up to 256. V(auto) begins with 32 (Azure 100) and adapts itself.
    type: str
    default: auto
"""

    MANY = r"""
options:
  on_error:
    description:
      - With O(vms), V(continue) tries all VMs and fails the task if any of them failed. It is what happens when this
        is not given. V(stop) waits for the VMs in progress and leaves the rest C(not_started).
      - Cannot be combined with C(group), which stops at its first failure.
    type: str
    choices: [continue, stop]
"""

    MANY_READ = r"""
options:
  on_error:
    description:
      - What is made of a thing that cannot be read. Its error stands beside it in the result in any case, with null for
        what is not known.
      - With V(continue), all others are read, and the task fails at the end. It is the default, because a list from
        which something is missing must not pass for a whole one.
      - With V(stop), the first failure ends the task, and the rest is C(not_started).
      - With V(report), all others are read, and the task succeeds with a warning that counts the failures. For
        inventories and audits that look at the errors themselves.
      - A refused sign-in always ends the task, because a password that is tried again locks the account.
    type: str
    choices: [continue, stop, report]
    default: continue
"""

    CHANGES = r"""
options:
  wait:
    description:
      - Whether to wait until the work is done and verified by reading. With V(false), the task returns once the service
        has accepted the last write. To come back to the work, run the same task with V(true).
      - V(false) is refused where an operation cannot be found again (Arc-enabled SCVMM).
    type: bool
    default: true
  poll_interval:
    description: The longest pause between two reads of an operation. A service's C(Retry-After) takes precedence.
    type: str
    default: 5s
  settle_time:
    description:
      - How long to keep reading until the service shows the change, or, after a lost answer, until the outcome of the
        request is known. It counts towards O(wait_timeout).
    type: str
    default: 2m
  expected_plan:
    description:
      - The approved plan, which is a RV(plan) that was returned before, or only its digest. If anything else would be
        done, the task fails and changes nothing.
      - An empty plan always passes. The remaining part of a whole plan passes too, so that a run that was interrupted
        can be repeated. A plan that was edited since it was returned is refused.
    type: raw
  require_approval:
    description:
      - Whether the task fails with C(approval_missing) when O(expected_plan) is not given, null or empty, so that a
        forgotten variable cannot remove the gate. In check mode nothing is required, because that makes the plan.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and return a changed status prediction without modifying anything.
    support: full
  diff_mode:
    description: Returns the checkpoints with their times, or the fields of the resource, before and after.
    support: full
  idempotent:
    description: Running the task again changes nothing, unless something else has changed meanwhile.
    support: full
"""

    READS = r"""
options:
  wait:
    description: Accepted so that defaults of the action group can hold it. This module waits for nothing.
    type: bool
  poll_interval:
    description: Accepted so that defaults of the action group can hold it. This module waits for nothing.
    type: str
  settle_time:
    description: Accepted so that defaults of the action group can hold it. This module waits for nothing.
    type: str
  require_approval:
    description: Accepted so that defaults of the action group can hold it. This module changes nothing.
    type: bool
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: Nothing changes, so there is no difference to show.
    support: N/A
  idempotent:
    description: Running the task again changes nothing, unless something else has changed meanwhile.
    support: full
"""

    DEADLINE = r"""
options:
  wait_timeout:
    description:
      - The deadline of the whole task, such as V(90s), V(10m) or V(1d12h). It covers all VMs, sign-in and waiting.
      - A task inside the controller that has the keyword C(timeout) ends shortly before that, so that what is known by
        then is returned.
    type: str
    default: 10m
attributes:
  action:
    description: Has an action plugin, which runs the same code inside the controller instead of a module on the target.
    support: full
    details:
      - It does so where the connection is local and nothing demands the module, which then runs as usual, with the same
        result. The collection's page on speed names what demands it, and the variable
        C(hybridvm_checkpoints_in_process) that does.
  async:
    description: Supports the keyword C(async), with which the task always runs as a module.
    support: full
"""
