/* The life of one code, for spin: queue with visibility and receipts, watchers, verifiers,
 * a clock. Issued at time 0, over at TTL. Options, by -D:
 *
 *   WATCHERS, VERIFIERS   how many (default 2, 2)
 *   SPREAD=n              watchers' clocks may be n ahead, verifiers' n behind (default 0)
 *   MARGIN=n              rows and messages outlive the code by n (default 2 * SPREAD)
 *   DUPLICATE             the producer put the message twice
 *   CRASH                 one watcher dies once between two of its effects
 *   RESEND                hide by send, then delete (else by one Update Message)
 *   SEED_MODE             the watcher inserts codes that only the queue knows (accept_unissued)
 *   TOGGLE                the walkthrough's pseudo-code instead of our watcher (a negative control)
 *   PROMPT                time moves only when no visible message waits and nobody works
 *   REVOKE                somebody revokes the code, at any time
 *   GUESS                 two guessers try wrong codes; ATTEMPTS of them revoke the code
 *   NO_SECOND_LOOK, NO_ATOMIC_CONSUME, NO_ATOMIC_COUNT   rules taken away, to show that each is needed
 *
 * Checked: I1 no acceptance at TTL + SPREAD or later; I3 (and I2) at most one acceptance;
 * I2 no acceptance once revoked; I4 not invalid before TTL - SPREAD but by use or revocation; I6 at most
 * ATTEMPTS comparisons with a usable code; slots never overflow (I13); with PROMPT
 * also I11 (valid at once) and I12 (queue and table drain).
 */
#ifndef WATCHERS
#define WATCHERS 2
#endif
#ifndef VERIFIERS
#define VERIFIERS 2
#endif
#ifndef SPREAD
#define SPREAD 0
#endif
#ifndef MARGIN
#define MARGIN (2 * SPREAD)
#endif
#ifndef SLOTS
#define SLOTS 3
#endif

#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif

#define TTL 2
#define WORK 1                       /* work visibility */
#ifdef PROMPT
#define END (2 * TTL + MARGIN + 3)
#else
/* Nothing can be accepted or lost after TTL + SPREAD: one step more shows that. */
#define END (TTL + SPREAD + 1)
#endif

mtype = { absent, pending, valid, used, revoked };

bool issued = false;               /* nobody moves before the code is issued, at time 0 */
byte now = 0;
mtype row = absent;
bool there[SLOTS];
byte visible_at[SLOTS];
byte holder[SLOTS];                  /* whose receipt is the current one: watcher + 1, or nobody's */
byte accepted = 0;
byte busy = 0;
byte crashes = 0;
bool ever_revoked = false;
byte attempts = 0;                   /* as the row counts them */
byte compared = 0;                   /* as they are */
byte fast = 0;                       /* so many watchers' clocks are SPREAD ahead */
byte slow = 0;                       /* so many verifiers' clocks are SPREAD behind */

#define ahead (_pid < fast -> SPREAD : 0)
#define behind (_pid - WATCHERS < slow -> SPREAD : 0)
#define visible(i) (there[i] && visible_at[i] <= now)
#ifdef PROMPT
#define may_tick (now < END && busy == 0 && !visible(0) && !visible(1) && !visible(2))
#else
#define may_tick (now < END)
#endif

inline put(when) {
  if
  :: !there[0] -> there[0] = true; visible_at[0] = when
  :: there[0] && !there[1] -> there[1] = true; visible_at[1] = when
  :: there[0] && there[1] && !there[2] -> there[2] = true; visible_at[2] = when
  :: else -> assert(false)           /* I13: messages multiply */
  fi
}

#define mine(i) (there[i] && holder[i] == _pid + 1)

inline delete_message(i) {
  if
  :: mine(i) -> there[i] = false; visible_at[i] = 0; holder[i] = 0
  :: else
  fi
}

inline update_message(i, when) {
  if
  :: mine(i) -> visible_at[i] = when; holder[i] = 0
  :: else
  fi
}

/* When a visible message became so no longer matters: fewer states. */
inline forget_time(i) {
  if
  :: visible_at[i] <= now -> visible_at[i] = 0
  :: else
  fi
}

/* Between two effects a process may die; whoever restarts it begins anew. */
inline crash_point(label_after) {
#ifdef CRASH
  if
  :: crashes == 0 -> atomic { crashes = 1; busy--; goto label_after }
  :: true
  fi
#else
  skip
#endif
}

active [WATCHERS] proctype watcher() {
  byte i, t;
  issued;

idle:
  atomic {                           /* (what a worker remembers is forgotten: fewer states) */
    if
    :: holder[i] == _pid + 1 -> holder[i] = 0
    :: else
    fi;
    i = 0; t = 0
  };
  atomic {                           /* Get Messages: one visible message, hidden, new receipt */
    if
    :: visible(0) -> i = 0
    :: visible(1) -> i = 1
    :: visible(2) -> i = 2
    :: now >= END -> goto done
    fi;
    visible_at[i] = now + WORK;
    holder[i] = _pid + 1;
    busy++;
  }
#ifdef TOGGLE
  bool present;
  present = (row == valid);
  if
  :: present ->
       atomic {
         assert(!(row == valid) || now + SPREAD >= TTL);          /* I4 */
         row = absent
       };
       crash_point(idle)
  :: !present ->
       row = valid;
       crash_point(idle);
       atomic { put(now + TTL) };
       crash_point(idle)
  fi;
#ifndef NEVER_DELETE
  atomic { delete_message(i); busy-- };
#else
  busy--;
#endif
#else
  t = now + ahead;
  if
  :: t < TTL ->
       atomic {                      /* activate: one conditional update */
         if
         :: row == pending -> row = valid
#ifdef SEED_MODE
         :: row == absent -> row = valid
#endif
         :: else
         fi
       };
       crash_point(idle);
#ifdef RESEND
       atomic { put(now + (TTL - t) + MARGIN) };
       crash_point(idle);
       atomic { delete_message(i); busy-- }
#else
       atomic { update_message(i, now + (TTL - t) + MARGIN); busy-- }
#endif
  :: t >= TTL + MARGIN ->
       atomic {
         assert(row != valid || now + SPREAD >= TTL);             /* I4 */
         row = absent; t = 0
       };
       crash_point(idle);
       atomic { delete_message(i); busy-- }
  :: else ->
       atomic { update_message(i, now + 1); busy-- }
  fi;
#endif
  goto idle;
done:
  skip
}

#if VERIFIERS > 0
active [VERIFIERS] proctype verifier() {
  issued;

again:
  if
#ifdef TOGGLE
  :: now < END
#else
  :: now < TTL + behind              /* the first look at the clock; what follows may come late */
#endif
  :: now >= END -> goto done
  fi;
#ifdef TOGGLE
  atomic {                           /* the best sign-in that the pseudo-code leaves room for */
    if
    :: row == valid -> row = absent
    :: else -> goto again
    fi
  };
  atomic { accepted++; assert(accepted <= 1); assert(now < TTL + SPREAD) };
#else
#ifdef NO_ATOMIC_CONSUME
  if
  :: row == valid
  :: else -> goto again
  fi;
  row = used;
#else
  atomic {                           /* consume: one conditional update */
    if
    :: row == valid -> row = used
    :: else -> goto again
    fi
  };
#endif
  atomic {                           /* the second look at the clock is the acceptance */
    if
#ifdef NO_SECOND_LOOK
    :: true ->
#else
    :: now < TTL + behind ->
#endif
       accepted++;
       assert(accepted <= 1);                                     /* I3 */
       assert(!ever_revoked);                                     /* I2 */
       assert(now < TTL + SPREAD)                                 /* I1 */
#ifndef NO_SECOND_LOOK
    :: else
#endif
    fi
  };
#endif
  goto again;
done:
  skip
}
#endif

#define usable (row == pending || row == valid)

#ifdef REVOKE
active proctype operator() {
  issued;
  if
  :: atomic { usable -> row = revoked; ever_revoked = true }
  :: now >= END
  fi
}
#endif

#ifdef GUESS
active [2] proctype guesser() {
  issued;
again:
  if
  :: usable
  :: !usable || now >= END -> goto done
  fi;
#ifdef NO_ATOMIC_COUNT
  if
  :: attempts < ATTEMPTS
  :: else -> goto done
  fi;
  atomic { compared++; assert(compared <= ATTEMPTS) };            /* I6 */
  attempts++;
#else
  atomic {                           /* compare, count and revoke: one step */
    if
    :: usable ->
         attempts++; compared++;
         assert(compared <= ATTEMPTS);                            /* I6 */
         if
         :: attempts == ATTEMPTS -> row = revoked; ever_revoked = true
         :: else
         fi
    :: else
    fi
  };
#endif
  goto again;
done:
  skip
}
#endif

active proctype clock() {
  issued;
  do
  :: atomic {
       may_tick ->
#ifdef PROMPT
       /* I11: a code whose message has been handled is valid or has been used. */
       assert(now >= TTL || crashes > 0 || row == valid || row == used || row == revoked || accepted > 0);
#endif
       now++;
       forget_time(0); forget_time(1); forget_time(2)
     }
  :: now >= END -> break
  od;
#ifdef PROMPT
  assert(!there[0] && !there[1] && !there[2] && row == absent)    /* I12 */
#endif
}

init {
  atomic {
#ifndef TOGGLE
#ifndef SEED_MODE
    row = pending;
#endif
#endif
    put(0);
#ifdef DUPLICATE
    put(0);
#endif
#if SPREAD > 0
    /* How many hosts' clocks are wrong, for their lives; which of equal hosts makes no difference. */
    do
    :: fast < WATCHERS -> fast++
    :: break
    od;
    do
    :: slow < VERIFIERS -> slow++
    :: break
    od;
#endif
    issued = true
  }
}
