/* A load for a presence server: one UDP socket that plays everybody who publishes and everybody who watches.
 *
 *   load PORT PEOPLE WATCHERS WINDOW rounds NUMBER        everybody changes NUMBER times, once a round
 *   load PORT PEOPLE WATCHERS WINDOW await TEXT MOMENT    nobody publishes; wait for NOTIFYs that hold TEXT
 *
 * Every person p0, p1 … of example.org gets WATCHERS watchers. At most WINDOW requests are unanswered at a time. A
 * round is over when every PUBLISH is answered and every watcher has had the NOTIFY with this round's note. Requests
 * without an answer are sent again after half a second, one second, two … Each phase prints one line of JSON; `await`
 * first prints that it is ready, and takes times from MOMENT (seconds since 1970). Exit status 1: something was missing
 * when patience ended. Only 127.0.0.1 is ever sent to.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFERS = 128 << 20, AT_ONCE = 200, TAG = 72 };
static const double PATIENCE = 120, RESEND = 0.5;

struct person { char tag[TAG]; int answered; double first, last, wait; };
struct watch { bool accepted, told; int round; double asked, last, wait; };

static struct person *people;
static struct watch *watches;
static int npeople, nwatchers, window, here, fd, port;
static int generation;            /* 0: subscribing */
static const char *awaited;       /* text in the NOTIFYs that count, in `await` */
static double moment;
static double *delays;
static long answers, notifies, again, refused, open_requests;

static double clock_of(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
static double now(void) { return clock_of(CLOCK_MONOTONIC); }

static void send_bytes(const char *bytes, size_t length) {
  while (send(fd, bytes, length, 0) < 0)
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) { perror("send"); exit(2); }
}

static void send_subscribe(long k) {
  int who = k / nwatchers, by = k % nwatchers;
  char text[1024];
  int n = snprintf(text, sizeof text,
      "SUBSCRIBE sip:p%d@example.org SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK-w%ld;rport\r\n"
      "Max-Forwards: 70\r\nTo: <sip:p%d@example.org>\r\nFrom: <sip:w%d@example.org>;tag=w%ld\r\n"
      "Call-ID: w/%ld@load\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:w%d@127.0.0.1:%d>\r\n"
      "Event: presence\r\nAccept: application/pidf+xml\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n",
      who, here, k, who, by, k, k, by, here);
  watches[k].last = now();
  send_bytes(text, n);
}

static void send_publish(long i) {
  struct person *one = &people[i];
  char body[1024], match[TAG + 20] = "", text[2400];
  int length = snprintf(body, sizeof body,
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
      " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:p%ld@example.org\">\n"
      "<tuple id=\"desk%ld\"><status><basic>open</basic></status>"
      "<contact priority=\"0.5\">sip:p%ld@example.org</contact></tuple>\n"
      "<dm:person id=\"self%ld\"><rpid:activities><rpid:%s/></rpid:activities>"
      "<dm:note>round %d.</dm:note></dm:person>\n</presence>\n",
      i, i, i, i, generation % 2 ? "busy" : "meal", generation);
  if (one->tag[0]) snprintf(match, sizeof match, "SIP-If-Match: %s\r\n", one->tag);
  int n = snprintf(text, sizeof text,
      "PUBLISH sip:p%ld@example.org SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK-p%ld-%d;rport\r\n"
      "Max-Forwards: 70\r\nTo: <sip:p%ld@example.org>\r\nFrom: <sip:p%ld@example.org>;tag=p%ld\r\n"
      "Call-ID: p/%ld@load\r\nCSeq: %d PUBLISH\r\nEvent: presence\r\nExpires: 3600\r\n%s"
      "Content-Type: application/pidf+xml\r\nContent-Length: %d\r\n\r\n%s",
      i, here, i, generation, i, i, i, i, generation, match, length, body);
  one->last = now();
  send_bytes(text, n);
}

/* The value of a header at the beginning of a line, by its long name; NULL when there is none. */
static const char *header(const char *message, const char *name, size_t *length) {
  char line[32];
  snprintf(line, sizeof line, "\r\n%s:", name);
  const char *found = strcasestr(message, line);
  if (!found) return NULL;
  found += strlen(line);
  found += strspn(found, " ");
  *length = strcspn(found, "\r\n");
  return found;
}

static void answer_notify(const char *message) {
  static const char *copied[] = {"Via", "From", "To", "Call-ID", "CSeq"};
  char text[2048];
  int n = sprintf(text, "SIP/2.0 200 OK\r\n");
  for (int k = 0; k < 5; k++) {
    size_t length;
    const char *value = header(message, copied[k], &length);
    if (value && length < 380) n += sprintf(text + n, "%s: %.*s\r\n", copied[k], (int)length, value);
  }
  n += sprintf(text + n, "Content-Length: 0\r\n\r\n");
  send_bytes(text, n);
}

static void note_delay(double since) { delays[notifies++] = since; }

static void take_notify(const char *message, long k) {
  answer_notify(message);
  struct watch *one = &watches[k];
  if (!one->told) {
    one->told = true;
    if (generation == 0 && !moment) note_delay(now() - one->asked);
    if (one->accepted) open_requests--;
  }
  if (moment) {
    if (one->round == 0 && strstr(message, awaited)) { one->round = 1; note_delay(clock_of(CLOCK_REALTIME) - moment); }
  } else if (generation) {
    char note[32];
    snprintf(note, sizeof note, ">round %d.<", generation);
    if (one->round != generation && strstr(message, note)) {
      one->round = generation;
      note_delay(now() - people[k / nwatchers].first);
    }
  }
}

static void take_answer(const char *message, const char *call_id, long k) {
  int status = atoi(message + 8);
  size_t length;
  if (status < 200) return;
  if (status >= 300) {
    if (refused++ < 3) fprintf(stderr, "%.*s\n", (int)strcspn(message, "\r"), message);
  } else if (*call_id == 'w') {
    struct watch *one = &watches[k];
    if (one->accepted) return;
    one->accepted = true;
    answers++;
    if (one->told) open_requests--;
  } else {
    struct person *one = &people[k];
    const char *cseq = header(message, "CSeq", &length);
    if (!cseq || atoi(cseq) != generation || one->answered == generation) return;
    const char *tag = header(message, "SIP-ETag", &length);
    if (!tag || length >= TAG) { refused++; return; }
    memcpy(one->tag, tag, length);
    one->tag[length] = 0;
    one->answered = generation;
    answers++;
    open_requests--;
  }
}

static void take(char *message) {
  size_t length;
  const char *call_id = header(message, "Call-ID", &length);
  if (!call_id || (*call_id != 'w' && *call_id != 'p')) { refused++; return; }
  long k = atol(call_id + 2);
  if (!strncmp(message, "NOTIFY ", 7)) take_notify(message, k);
  else if (!strncmp(message, "SIP/2.0 ", 8)) take_answer(message, call_id, k);
}

static void receive(int milliseconds) {
  static char message[65536];
  struct pollfd ready = {fd, POLLIN, 0};
  if (poll(&ready, 1, milliseconds) <= 0) return;
  for (int k = 0; k < AT_ONCE; k++) {
    ssize_t n = recv(fd, message, sizeof message - 1, MSG_DONTWAIT);
    if (n < 0) return;
    message[n] = 0;
    take(message);
  }
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static bool report(const char *phase, double seconds, long wanted_answers, long wanted_notifies) {
  qsort(delays, notifies, sizeof *delays, by_size);
  double *at = delays;
  long n = notifies;
  printf("{\"phase\": \"%s\", \"seconds\": %.6f, \"answers\": %ld, \"notifies\": %ld, \"missing\": %ld, \"again\": %ld,"
         " \"refused\": %ld, \"first_ms\": %.3f, \"median_ms\": %.3f, \"p99_ms\": %.3f, \"last_ms\": %.3f}\n",
         phase, seconds, answers, n, wanted_answers - answers + wanted_notifies - n, again, refused,
         n ? at[0] * 1e3 : 0, n ? at[n / 2] * 1e3 : 0, n ? at[n * 99 / 100] * 1e3 : 0, n ? at[n - 1] * 1e3 : 0);
  fflush(stdout);
  return answers == wanted_answers && n == wanted_notifies && !refused;
}

static void send_again(long sent) {
  double t = now();
  for (long k = 0; k < sent; k++) {
    bool done = generation ? people[k].answered == generation : watches[k].accepted;
    double *wait = generation ? &people[k].wait : &watches[k].wait;
    if (done || t < (generation ? people[k].last : watches[k].last) + *wait) continue;
    again++;
    *wait *= 2;
    if (generation) send_publish(k); else send_subscribe(k);
  }
}

static bool run(const char *phase) {
  long requests = generation ? npeople : (long)npeople * nwatchers, expected = (long)npeople * nwatchers, sent = 0;
  double begun = now(), looked = begun, t = begun;
  answers = notifies = again = open_requests = 0;
  while ((answers < requests || (!moment && notifies < expected)) && (t = now()) - begun < PATIENCE) {
    for (; sent < requests && open_requests < window; sent++, open_requests++) {
      if (generation) { people[sent].first = now(); people[sent].wait = RESEND; send_publish(sent); }
      else { watches[sent].asked = now(); watches[sent].wait = RESEND; send_subscribe(sent); }
    }
    receive(1);
    if (t - looked > 0.1) { looked = t; send_again(sent); }
  }
  bool good = report(phase, now() - begun, requests, moment ? notifies : expected);
  for (double end = now() + 0.2; now() < end;) receive(20);  /* late copies are answered too */
  return good;
}

static bool await(void) {
  long expected = (long)npeople * nwatchers;
  notifies = answers = 0;
  for (long k = 0; k < expected; k++) watches[k].round = 0;
  printf("{\"phase\": \"ready\"}\n");
  fflush(stdout);
  while (notifies < expected && clock_of(CLOCK_REALTIME) - moment < PATIENCE) receive(5);
  bool good = report("await", clock_of(CLOCK_REALTIME) - moment, 0, expected);
  for (double end = now() + 0.5; now() < end;) receive(20);
  return good;
}

int main(int count, char **given) {
  if (count < 7) { fprintf(stderr, "usage: load PORT PEOPLE WATCHERS WINDOW rounds NUMBER | await TEXT MOMENT\n"); return 2; }
  port = atoi(given[1]), npeople = atoi(given[2]), nwatchers = atoi(given[3]), window = atoi(given[4]);
  bool awaiting = !strcmp(given[5], "await");
  if (awaiting) { awaited = given[6]; moment = count > 7 ? atof(given[7]) : 0; }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int bytes = BUFFERS;
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))  /* needs CAP_NET_ADMIN */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (bind(fd, (struct sockaddr *)&address, size)) { perror("bind"); return 2; }
  getsockname(fd, (struct sockaddr *)&address, &size);
  here = ntohs(address.sin_port);
  address.sin_port = htons(port);
  if (connect(fd, (struct sockaddr *)&address, size)) { perror("connect"); return 2; }
  long pairs = (long)npeople * (nwatchers ? nwatchers : 1);
  people = calloc(npeople, sizeof *people), watches = calloc(pairs, sizeof *watches);
  delays = calloc(2 * pairs + 1, sizeof *delays);
  bool good = true;
  if (nwatchers) good = run("subscribe");
  if (awaiting) return await() && good ? 0 : 1;
  for (generation = 1; generation <= atoi(given[6]) + 1; generation++) good = run(generation == 1 ? "publish" : "change") && good;
  return good ? 0 : 1;
}
