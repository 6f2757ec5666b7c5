#include "CLibcrypto.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

static X509_CRL *of(clibcrypto_crl *list) { return (X509_CRL *)list; }

static X509 *certificate_from(const uint8_t *bytes, int64_t count) {
    const unsigned char *position = bytes;
    X509 *certificate = d2i_X509(NULL, &position, (long)count);
    if (!certificate) ERR_clear_error();
    return certificate;
}

int clibcrypto_crl_read(const uint8_t *pem, int64_t count, clibcrypto_crl **lists, int most) {
    BIO *input = BIO_new_mem_buf(pem, (int)count);
    if (!input) return -1;
    int found = 0;
    X509_CRL *list;
    while (found < most && (list = PEM_read_bio_X509_CRL(input, NULL, NULL, NULL))) {
        lists[found++] = (clibcrypto_crl *)list;
    }
    // The end of the text is the only error that is none.
    unsigned long error = ERR_peek_last_error();
    int is_complete = found < most && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(input);
    if (is_complete) return found;
    while (found > 0) clibcrypto_crl_free(lists[--found]);
    return -1;
}

void clibcrypto_crl_free(clibcrypto_crl *list) { X509_CRL_free(of(list)); }

int clibcrypto_crl_is_of_authority(clibcrypto_crl *list, const uint8_t *certificate, int64_t count) {
    X509 *authority = certificate_from(certificate, count);
    if (!authority) return 0;
    EVP_PKEY *key = X509_get0_pubkey(authority);
    int is_issuer = X509_NAME_cmp(X509_CRL_get_issuer(of(list)), X509_get_subject_name(authority)) == 0 && key &&
                    X509_CRL_verify(of(list), key) == 1;
    ERR_clear_error();
    X509_free(authority);
    return is_issuer;
}

int clibcrypto_crl_has_critical_extension(clibcrypto_crl *list) {
    for (int index = 0; index < X509_CRL_get_ext_count(of(list)); index++) {
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(of(list), index))) return 1;
    }
    return 0;
}

int64_t clibcrypto_crl_next_update(clibcrypto_crl *list) {
    const ASN1_TIME *time = X509_CRL_get0_nextUpdate(of(list));
    struct tm parts;
    if (!time || !ASN1_TIME_to_tm(time, &parts)) return 0;
    return (int64_t)timegm(&parts);
}

void clibcrypto_crl_issuer(clibcrypto_crl *list, char *text, int room) {
    text[0] = 0;
    X509_NAME_oneline(X509_CRL_get_issuer(of(list)), text, room);
}

int clibcrypto_crl_revokes(clibcrypto_crl *list, const uint8_t *certificate, int64_t count) {
    X509 *shown = certificate_from(certificate, count);
    if (!shown) return -1;
    int result = -1;
    if (X509_NAME_cmp(X509_CRL_get_issuer(of(list)), X509_get_issuer_name(shown)) == 0) {
        X509_REVOKED *entry = NULL;
        // 2: removed from the list again (RFC 5280, section 5.3.1).
        result = X509_CRL_get0_by_serial(of(list), &entry, X509_get0_serialNumber(shown)) == 1;
    }
    X509_free(shown);
    return result;
}
