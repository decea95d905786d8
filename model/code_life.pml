/* The life of one code, for spin: queue with visibility and rotating receipts, watchers, verifiers,
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
 *   NO_SECOND_LOOK, NO_ATOMIC_CONSUME   rules taken away, to show that each is needed
 *
 * Checked: I1 no acceptance at TTL + SPREAD or later; I3 (and I2) at most one acceptance;
 * I4 not invalid before TTL - SPREAD but by use; slots never overflow (I13); with PROMPT also I11 (valid at
 * once) and I12 (queue and table drain).
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

#define TTL 2
#define WORK 1                       /* work visibility */
#ifdef PROMPT
#define END (2 * TTL + MARGIN + 3)
#else
#define END (TTL + MARGIN + 2)
#endif
#define RECEIPTS 4                   /* receipts repeat after so many: enough for what can be in flight */

mtype = { absent, pending, valid, used };

bool issued = false;               /* nobody moves before the code is issued, at time 0 */
byte now = 0;
mtype row = absent;
bool there[SLOTS];
byte visible_at[SLOTS];
byte receipt[SLOTS];
byte accepted = 0;
byte busy = 0;
byte crashes = 0;

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

inline delete_message(i, r) {
  if
  :: there[i] && receipt[i] == r -> there[i] = false; visible_at[i] = 0
  :: else
  fi
}

inline update_message(i, r, when) {
  if
  :: there[i] && receipt[i] == r ->
       visible_at[i] = when; receipt[i] = (receipt[i] + 1) % RECEIPTS
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
  byte i, mine, t, ahead;
  issued;
  /* This host's clock error, fixed for its life. */
  if
  :: ahead = 0
#if SPREAD > 0
  :: ahead = SPREAD
#endif
  fi;

idle:
  atomic {                           /* (what a worker remembers is forgotten: fewer states) */
    i = 0; mine = 0; t = 0
  };
  atomic {                           /* Get Messages: one visible message, hidden, new receipt */
    if
    :: visible(0) -> i = 0
    :: visible(1) -> i = 1
    :: visible(2) -> i = 2
    :: now >= END -> goto done
    fi;
    visible_at[i] = now + WORK;
    receipt[i] = (receipt[i] + 1) % RECEIPTS;
    mine = receipt[i];
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
  atomic { delete_message(i, mine); busy-- };
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
       atomic { delete_message(i, mine); busy-- }
#else
       atomic { update_message(i, mine, now + (TTL - t) + MARGIN); busy-- }
#endif
  :: t >= TTL + MARGIN ->
       atomic {
         assert(row != valid || now + SPREAD >= TTL);             /* I4 */
         row = absent
       };
       crash_point(idle);
       atomic { delete_message(i, mine); busy-- }
  :: else ->
       atomic { update_message(i, mine, now + 1); busy-- }
  fi;
#endif
  goto idle;
done:
  skip
}

#if VERIFIERS > 0
active [VERIFIERS] proctype verifier() {
  byte t, behind;
  issued;
  if
  :: behind = 0
#if SPREAD > 0
  :: behind = SPREAD
#endif
  fi;

again:
  if
  :: now < END
  :: now >= END -> goto done
  fi;
  t = (now > behind -> now - behind : 0);
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
  :: row == valid && t < TTL
  :: else -> goto again
  fi;
  row = used;
#else
  atomic {                           /* consume: one conditional update */
    if
    :: row == valid && t < TTL -> row = used
    :: else -> goto again
    fi
  };
#endif
  atomic {                           /* the second look at the clock is the acceptance */
    t = (now > behind -> now - behind : 0);
    if
#ifdef NO_SECOND_LOOK
    :: true ->
#else
    :: t < TTL ->
#endif
       accepted++;
       assert(accepted <= 1);                                     /* I2, I3 */
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

active proctype clock() {
  issued;
  do
  :: atomic {
       may_tick ->
#ifdef PROMPT
       /* I11: a code whose message has been handled is valid or has been used. */
       assert(now >= TTL || crashes > 0 || row == valid || row == used || accepted > 0);
#endif
       now++
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
    issued = true
  }
}
