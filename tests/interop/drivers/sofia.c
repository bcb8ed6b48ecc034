/* A user agent on Sofia-SIP's NUA, for the tests: does what it is told on its standard input, a line at a time, and
 * prints what happens.
 *
 *   sofia OWN-ADDRESS SERVER-URI LISTEN-URI USER PASSWORD
 *
 * For TLS the authority's certificate is in ~/.sip/auth/cafile.pem. It has no certificate of its own there, and listens
 * all the same.
 *
 *   register                              registered | failed 403
 *   subscribe PACKAGE ADDRESS             then, at each NOTIFY: notify PACKAGE ADDRESS STATE TYPE BODY (in one line)
 *   unsubscribe PACKAGE ADDRESS
 *   publish FILE                          published | refused 403
 *   unpublish
 *   message ADDRESS TEXT                  sent | not sent 404; what comes: message FROM TEXT
 *   quit
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct program program;
#define NUA_MAGIC_T program
#include <sofia-sip/nua.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport_tag.h>

#define MOST 16

struct program {
  su_root_t *root;
  nua_t *nua;
  const char *own, *user, *password;
  nua_handle_t *registration, *publication;
  struct {
    char package[32], address[128];
    nua_handle_t *handle;
  } watched[MOST];
  int count, stopping;
};

static void print_body(sip_t const *sip) {
  if (sip->sip_payload)
    for (size_t i = 0; i < sip->sip_payload->pl_len; i++) {
      char c = sip->sip_payload->pl_data[i];
      if (c != '\r') putchar(c == '\n' ? ' ' : c);
    }
  putchar('\n');
}

static void answer_challenge(program *self, nua_handle_t *handle, sip_t const *sip) {
  char credentials[512];
  const char *realm = "\"example.org\"";
  if (sip && sip->sip_www_authenticate) {
    const char *given = msg_params_find(sip->sip_www_authenticate->au_params, "realm=");
    if (given) realm = given;
  }
  snprintf(credentials, sizeof credentials, "Digest:%s:%s:%s", realm, self->user, self->password);
  nua_authenticate(handle, NUTAG_AUTH(credentials), TAG_END());
}

static void on_event(nua_event_t event, int status, char const *phrase, nua_t *nua, program *self,
                     nua_handle_t *handle, nua_hmagic_t *magic, sip_t const *sip, tagi_t tags[]) {
  if ((status == 401 || status == 407) && *self->password && handle) {
    answer_challenge(self, handle, sip);
    return;
  }
  switch (event) {
  case nua_r_register:
    if (status >= 200) status < 300 ? puts("registered") : printf("failed %d %s\n", status, phrase);
    break;
  case nua_r_publish:
    if (status >= 200) status < 300 ? puts("published") : printf("refused %d %s\n", status, phrase);
    break;
  case nua_r_unpublish:
    if (status >= 200) status < 300 ? puts("unpublished") : printf("not unpublished %d %s\n", status, phrase);
    break;
  case nua_r_subscribe:
    if (status >= 200) printf("subscribe %d %s\n", status, phrase);
    break;
  case nua_i_notify:
    if (sip && sip->sip_event && sip->sip_from) {
      printf("notify %s %s@%s %s %s ", sip->sip_event->o_type, sip->sip_from->a_url->url_user,
             sip->sip_from->a_url->url_host,
             sip->sip_subscription_state ? sip->sip_subscription_state->ss_substate : "-",
             sip->sip_content_type ? sip->sip_content_type->c_type : "-");
      print_body(sip);
    }
    break;
  case nua_r_message:
    if (status >= 200) status < 300 ? puts("sent") : printf("not sent %d %s\n", status, phrase);
    break;
  case nua_i_message:
    printf("message %s@%s ", sip->sip_from->a_url->url_user, sip->sip_from->a_url->url_host);
    print_body(sip);
    break;
  case nua_r_shutdown:
    if (status >= 200) self->stopping = 2;
    break;
  default:
    break;
  }
  fflush(stdout);
}

static nua_handle_t *handle_to(program *self, const char *address) {
  return nua_handle(self->nua, NULL, SIPTAG_TO_STR(address), NUTAG_URL(address), TAG_END());
}

static char *contents(const char *file) {
  static char text[65536];
  FILE *from = fopen(file, "r");
  size_t length = from ? fread(text, 1, sizeof text - 1, from) : 0;
  if (from) fclose(from);
  text[length] = 0;
  return text;
}

static void obey(program *self, char *line) {
  char *verb = strtok(line, " \n"), *first = strtok(NULL, " \n"), *rest = strtok(NULL, "\n");
  if (!verb) return;
  if (!strcmp(verb, "register")) {
    self->registration = handle_to(self, self->own);
    nua_register(self->registration, SIPTAG_EXPIRES_STR("300"), TAG_END());
  } else if (!strcmp(verb, "subscribe") && rest && self->count < MOST) {
    const char *type = strcmp(first, "dialog") ? "application/pidf+xml" : "application/dialog-info+xml";
    snprintf(self->watched[self->count].package, 32, "%s", first);
    snprintf(self->watched[self->count].address, 128, "%s", rest);
    self->watched[self->count].handle = handle_to(self, rest);
    nua_subscribe(self->watched[self->count++].handle, SIPTAG_EVENT_STR(first), SIPTAG_ACCEPT_STR(type),
                  SIPTAG_EXPIRES_STR("600"), TAG_END());
  } else if (!strcmp(verb, "unsubscribe") && rest) {
    for (int i = 0; i < self->count; i++)
      if (!strcmp(self->watched[i].package, first) && !strcmp(self->watched[i].address, rest))
        nua_unsubscribe(self->watched[i].handle, TAG_END());
  } else if (!strcmp(verb, "publish")) {
    if (!self->publication) self->publication = handle_to(self, self->own);
    nua_publish(self->publication, SIPTAG_EVENT_STR("presence"), SIPTAG_EXPIRES_STR("600"),
                SIPTAG_CONTENT_TYPE_STR("application/pidf+xml"), SIPTAG_PAYLOAD_STR(contents(first)), TAG_END());
  } else if (!strcmp(verb, "unpublish") && self->publication) {
    /* Not nua_unpublish(), which can't answer a challenge. */
    nua_publish(self->publication, SIPTAG_EVENT_STR("presence"), SIPTAG_EXPIRES_STR("0"), TAG_END());
  } else if (!strcmp(verb, "message") && rest) {
    nua_message(handle_to(self, first), SIPTAG_CONTENT_TYPE_STR("text/plain"), SIPTAG_PAYLOAD_STR(rest), TAG_END());
  } else if (!strcmp(verb, "quit")) {
    self->stopping = 1;
    nua_shutdown(self->nua);
  }
}

int main(int argc, char **argv) {
  program self = {0};
  if (argc != 6) return fputs("sofia OWN-ADDRESS SERVER-URI LISTEN-URI USER PASSWORD\n", stderr), 2;
  self.own = argv[1], self.user = argv[4], self.password = argv[5];
  su_init();
  self.root = su_root_create(NULL);
  self.nua = nua_create(self.root, on_event, &self, NUTAG_URL(argv[3]), NUTAG_PROXY(argv[2]),
                        SIPTAG_FROM_STR(self.own), NUTAG_OUTBOUND("no-options-keepalive no-validate"),
                        NUTAG_ENABLEMESSAGE(1), TPTAG_TLS_VERIFY_POLICY(TPTLS_VERIFY_OUT), TAG_END());
  if (!self.nua) return fputs("no listener\n", stderr), 1;
  nua_set_params(self.nua, NUTAG_APPL_METHOD("NULL"), NUTAG_ALLOW("NOTIFY, MESSAGE, OPTIONS"), TAG_END());
  puts("ready");
  fflush(stdout);
  char line[1024];
  struct pollfd given = {.fd = 0, .events = POLLIN};
  size_t held = 0;
  while (self.stopping < 2) {
    su_root_step(self.root, 10);
    while (!self.stopping && poll(&given, 1, 0) > 0) {
      ssize_t got = read(0, line + held, 1);
      if (got <= 0) {
        self.stopping = 1;
        nua_shutdown(self.nua);
        break;
      }
      if (line[held] == '\n' || held > sizeof line - 2) {
        line[held] = 0;
        held = 0;
        obey(&self, line);
      } else
        held++;
    }
  }
  nua_destroy(self.nua);
  su_root_destroy(self.root);
  su_deinit();
  return 0;
}
