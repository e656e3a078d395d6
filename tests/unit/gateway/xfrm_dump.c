/* Answers to XFRM_MSG_GETSA and GETPOLICY as a kernel writes them, by the kernel's own header: where members lie is told by
   the compiler. The kernel of the test machines may have no ESP, so it cannot be asked. */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static char out[8192];
static size_t used, begun;

static void *put(size_t size) { void *at = out + used; used += NLMSG_ALIGN(size); return at; }

static void *begin(int type, size_t size) {
    begun = used;
    struct nlmsghdr *head = put(sizeof *head);
    head->nlmsg_type = type;
    head->nlmsg_flags = NLM_F_MULTI;
    return put(size);
}

static void end(void) { ((struct nlmsghdr *)(out + begun))->nlmsg_len = used - begun; }

static void *attribute(int type, size_t size) {
    struct nlattr *head = put(sizeof *head);
    head->nla_type = type;
    head->nla_len = sizeof *head + size;
    return put(size);
}

static struct xfrm_usersa_info *sa(const char *src, const char *dst, unsigned spi, int family) {
    struct xfrm_usersa_info *info = begin(XFRM_MSG_NEWSA, sizeof *info);
    inet_pton(family, src, &info->saddr);
    inet_pton(family, dst, &info->id.daddr);
    info->id.spi = htonl(spi);
    info->id.proto = IPPROTO_ESP;
    info->family = family;
    info->mode = XFRM_MODE_TUNNEL;
    info->replay_window = 32;
    info->curlft.bytes = 8400, info->curlft.packets = 100, info->curlft.add_time = 1790000000;
    info->lft.hard_byte_limit = info->lft.hard_packet_limit = XFRM_INF;
    info->lft.soft_byte_limit = info->lft.soft_packet_limit = XFRM_INF;
    return info;
}

int main(void) {
    struct xfrm_usersa_info *info = sa("192.0.2.1", "198.51.100.1", 0xc0ffee01, AF_INET);
    info->lft.hard_add_expires_seconds = 3960, info->lft.soft_add_expires_seconds = 3600;
    info->flags = XFRM_STATE_ESN;
    struct xfrm_algo_aead *aead = attribute(XFRMA_ALG_AEAD, sizeof *aead + 36);
    strcpy(aead->alg_name, "rfc4106(gcm(aes))");
    aead->alg_key_len = 288, aead->alg_icv_len = 128;
    memset(aead->alg_key, 'K', 36);
    unsigned long long *last = attribute(XFRMA_LASTUSED, sizeof *last);
    *last = 1790000100;
    struct xfrm_replay_state_esn *replay = attribute(XFRMA_REPLAY_ESN_VAL, sizeof *replay);
    replay->replay_window = 128;
    end();

    info = sa("2001:db8::1", "2001:db8::2", 0xc0ffee02, AF_INET6);
    info->mode = XFRM_MODE_TRANSPORT;
    struct xfrm_algo_auth *truncated = attribute(XFRMA_ALG_AUTH_TRUNC, sizeof *truncated + 32);
    strcpy(truncated->alg_name, "hmac(sha256)");
    truncated->alg_key_len = 256, truncated->alg_trunc_len = 128;
    memset(truncated->alg_key, 'K', 32);
    struct xfrm_algo *algorithm = attribute(XFRMA_ALG_AUTH, sizeof *algorithm + 32);
    strcpy(algorithm->alg_name, "hmac(sha256)");
    algorithm->alg_key_len = 256;
    memset(algorithm->alg_key, 'K', 32);
    algorithm = attribute(XFRMA_ALG_CRYPT, sizeof *algorithm + 16);
    strcpy(algorithm->alg_name, "cbc(aes)");
    algorithm->alg_key_len = 128;
    memset(algorithm->alg_key, 'K', 16);
    struct xfrm_encap_tmpl *encap = attribute(XFRMA_ENCAP, sizeof *encap);
    encap->encap_type = 2;
    struct xfrm_user_offload *offload = attribute(XFRMA_OFFLOAD_DEV, sizeof *offload);
    offload->ifindex = 2, offload->flags = XFRM_OFFLOAD_IPV6 | XFRM_OFFLOAD_INBOUND;
    end();

    struct xfrm_userpolicy_info *policy = begin(XFRM_MSG_NEWPOLICY, sizeof *policy);
    inet_pton(AF_INET, "10.1.0.0", &policy->sel.saddr), policy->sel.prefixlen_s = 16;
    inet_pton(AF_INET, "10.2.0.0", &policy->sel.daddr), policy->sel.prefixlen_d = 24;
    policy->sel.family = AF_INET;
    policy->sel.dport = htons(53), policy->sel.dport_mask = 0xffff, policy->sel.proto = IPPROTO_UDP;
    policy->priority = 375423, policy->dir = XFRM_POLICY_IN;
    struct xfrm_user_tmpl *template = attribute(XFRMA_TMPL, sizeof *template);
    inet_pton(AF_INET, "192.0.2.1", &template->saddr);
    inet_pton(AF_INET, "198.51.100.1", &template->id.daddr);
    template->id.proto = IPPROTO_ESP, template->family = AF_INET, template->mode = 1, template->optional = 1;
    end();

    policy = begin(XFRM_MSG_NEWPOLICY, sizeof *policy); /* of IKE's socket */
    policy->sel.family = AF_INET, policy->dir = 4;
    end();

    struct xfrm_userpolicy_default *usual = begin(XFRM_MSG_GETDEFAULT, sizeof *usual);
    usual->in = XFRM_USERPOLICY_BLOCK, usual->fwd = XFRM_USERPOLICY_ACCEPT, usual->out = XFRM_USERPOLICY_UNSPEC;
    end();
    return fwrite(out, 1, used, stdout) != used;
}
