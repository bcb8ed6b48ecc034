/* The SIMPLE protocol of libpurple (Pidgin, Finch), for the tests: signs in, prints what happens, and does what it is
 * told on its standard input, a line at a time.
 *
 *   purple HOME USER@DOMAIN PASSWORD HOST PORT udp|tcp [BUDDY@DOMAIN]
 *
 *   available [NOTE]
 *   offline
 *   message ADDRESS TEXT
 *   quit
 *
 * It prints: signed on | buddy NAME online|offline STATUS | message FROM TEXT | error TEXT
 */
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpurple/purple.h>

static PurpleAccount *account;
static GMainLoop *loop;

/* -- libpurple asks its program for an event loop -------------------------------------------------------------- */

typedef struct {
  PurpleInputFunction function;
  guint result;
  gpointer data;
} closure;

static gboolean on_input(GIOChannel *source, GIOCondition condition, gpointer data) {
  closure *this = data;
  PurpleInputCondition what = 0;
  if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) what |= PURPLE_INPUT_READ;
  if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL)) what |= PURPLE_INPUT_WRITE;
  this->function(this->data, g_io_channel_unix_get_fd(source), what);
  return TRUE;
}

static guint input_add(gint fd, PurpleInputCondition condition, PurpleInputFunction function, gpointer data) {
  closure *this = g_new0(closure, 1);
  GIOCondition wanted = 0;
  this->function = function, this->data = data;
  if (condition & PURPLE_INPUT_READ) wanted |= G_IO_IN | G_IO_HUP | G_IO_ERR;
  if (condition & PURPLE_INPUT_WRITE) wanted |= G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL;
  GIOChannel *channel = g_io_channel_unix_new(fd);
  this->result = g_io_add_watch_full(channel, G_PRIORITY_DEFAULT, wanted, on_input, this, g_free);
  g_io_channel_unref(channel);
  return this->result;
}

static PurpleEventLoopUiOps event_loop = {
    g_timeout_add, g_source_remove, input_add, g_source_remove, NULL, g_timeout_add_seconds, NULL, NULL, NULL};

/* -- what happens ------------------------------------------------------------------------------------------------ */

static void on_signed_on(PurpleConnection *connection) { puts("signed on"), fflush(stdout); }

static void on_connection_error(PurpleConnection *connection, PurpleConnectionError reason, const char *text) {
  printf("error %s\n", text), fflush(stdout);
}

static void tell_buddy(PurpleBuddy *buddy) {
  PurplePresence *presence = purple_buddy_get_presence(buddy);
  PurpleStatus *status = purple_presence_get_active_status(presence);
  printf("buddy %s %s %s\n", purple_buddy_get_name(buddy),
         purple_presence_is_online(presence) ? "online" : "offline", purple_status_get_id(status));
  fflush(stdout);
}

static void on_status(PurpleBuddy *buddy, PurpleStatus *before, PurpleStatus *now) { tell_buddy(buddy); }

static gboolean on_message(PurpleAccount *to, char **sender, char **text, PurpleConversation *conversation,
                           PurpleMessageFlags *flags) {
  char *plain = purple_markup_strip_html(*text);
  printf("message %s %s\n", *sender, plain), fflush(stdout);
  g_free(plain);
  return FALSE;
}

/* -- what is asked ----------------------------------------------------------------------------------------------- */

static void show(const char *id, const char *note) {
  PurpleStatusType *type = purple_account_get_status_type(account, id);
  PurpleSavedStatus *status = purple_savedstatus_new(NULL, purple_status_type_get_primitive(type));
  if (note && *note) purple_savedstatus_set_message(status, note);
  purple_savedstatus_activate_for_account(status, account);
}

static gboolean on_line(GIOChannel *source, GIOCondition condition, gpointer data) {
  gchar *line = NULL;
  if (g_io_channel_read_line(source, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
    g_main_loop_quit(loop);
    return FALSE;
  }
  gchar **words = g_strsplit(g_strchomp(line), " ", 3);
  if (!words[0]) return TRUE;
  if (!strcmp(words[0], "available") || !strcmp(words[0], "offline"))
    show(words[0], words[1]);
  else if (!strcmp(words[0], "message") && words[1] && words[2])
    serv_send_im(purple_account_get_connection(account), words[1], words[2], 0);
  else if (!strcmp(words[0], "quit"))
    g_main_loop_quit(loop);
  g_strfreev(words), g_free(line);
  return TRUE;
}

int main(int argc, char **argv) {
  static int handle;
  if (argc < 7) return fputs("purple HOME USER@DOMAIN PASSWORD HOST PORT udp|tcp [BUDDY]\n", stderr), 2;
  signal(SIGPIPE, SIG_IGN);
  /* Its branches, tags and Call-IDs come from rand(), which libpurple does not seed: they would be those of the last
   * run, and this run's requests copies of that one's. */
  srand(g_get_real_time() ^ getpid());
  loop = g_main_loop_new(NULL, FALSE);
  purple_util_set_user_dir(argv[1]);
  purple_debug_set_enabled(getenv("PURPLE_DEBUG") != NULL);
  purple_eventloop_set_ui_ops(&event_loop);
  if (!purple_core_init("lamplighter-tests")) return fputs("libpurple does not start\n", stderr), 1;
  purple_set_blist(purple_blist_new());
  purple_prefs_load();

  account = purple_account_new(argv[2], "prpl-simple");
  purple_account_set_password(account, argv[3]);
  purple_account_set_string(account, "proxy", argv[4]);
  purple_account_set_bool(account, "useproxy", TRUE);
  purple_account_set_int(account, "port", atoi(argv[5]));
  purple_account_set_bool(account, "udp", !strcmp(argv[6], "udp"));
  purple_account_set_bool(account, "dopublish", TRUE);
  purple_account_set_bool(account, "doautosubscribe", TRUE);
  purple_accounts_add(account);
  for (int number = 7; number < argc; number++)
    purple_blist_add_buddy(purple_buddy_new(account, argv[number], NULL), NULL, NULL, NULL);

  purple_signal_connect(purple_connections_get_handle(), "signed-on", &handle, PURPLE_CALLBACK(on_signed_on), NULL);
  purple_signal_connect(purple_connections_get_handle(), "connection-error", &handle,
                        PURPLE_CALLBACK(on_connection_error), NULL);
  purple_signal_connect(purple_blist_get_handle(), "buddy-status-changed", &handle, PURPLE_CALLBACK(on_status), NULL);
  purple_signal_connect(purple_blist_get_handle(), "buddy-signed-on", &handle, PURPLE_CALLBACK(tell_buddy), NULL);
  purple_signal_connect(purple_blist_get_handle(), "buddy-signed-off", &handle, PURPLE_CALLBACK(tell_buddy), NULL);
  purple_signal_connect(purple_conversations_get_handle(), "receiving-im-msg", &handle, PURPLE_CALLBACK(on_message),
                        NULL);
  purple_account_set_enabled(account, "lamplighter-tests", TRUE);
  show("available", NULL);

  GIOChannel *input = g_io_channel_unix_new(0);
  g_io_add_watch(input, G_IO_IN | G_IO_HUP, on_line, NULL);
  puts("ready"), fflush(stdout);
  g_main_loop_run(loop);
  purple_account_disconnect(account);
  purple_core_quit();
  return 0;
}
