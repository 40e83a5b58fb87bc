// SPDX-License-Identifier: Apache-2.0
package weir.peer;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.async.AsyncFunction;
import org.apache.flink.streaming.api.functions.async.ResultFuture;

/**
 * The workloads on Apache Flink's Async I/O operator: a local cluster in this process, parallelism 1, object reuse,
 * a checkpoint each 100 ms (on the heap, which is Flink's default), all chained, the timeout of 10 s on each call that
 * the others have. Two runs of the full length come before the one that is measured, so that the compiler has done its
 * work. Speaks as benchmarks/suite.py wants it.
 */
public final class Flink {
  enum Call { INSTANT, HANDED_OVER, LATER, HEAD_OF_LINE }

  record Measurement(String workload, boolean ordered, int capacity, long records, long quickRecords, Call call) {
    String described() {
      return "\"workload\":\"" + workload + "\",\"mode\":\"" + (ordered ? "ordered" : "unordered")
          + "\",\"capacity\":" + capacity + (call == Call.HANDED_OVER ? ",\"cores\":2.0" : "");
    }
  }

  static List<Measurement> measurements() {
    List<Measurement> all = new ArrayList<>();
    for (boolean ordered : new boolean[] {true, false}) {
      all.add(new Measurement("P1", ordered, 100, 20_000_000, 2_000_000, Call.INSTANT));
      all.add(new Measurement("P2", ordered, 100, 3_000_000, 300_000, Call.HANDED_OVER));
      all.add(new Measurement("P2", ordered, 1_000, 3_000_000, 300_000, Call.HANDED_OVER));
      all.add(new Measurement("P3", ordered, 10_000, 5_000_000, 500_000, Call.LATER));
      all.add(new Measurement("P4", ordered, 100, 5_000, 1_000, Call.HEAD_OF_LINE));
    }
    return all;
  }

  /** What came out of the run, and when; the local cluster runs in this process. */
  static final class Seen {
    static long sum;
    static long last;
    static boolean inOrder;
    static volatile long firstAsked;
    static volatile long lastTaken;

    static void reset() {
      sum = 0;
      last = -1;
      inOrder = true;
    }
  }

  static final class CheckingSink implements Sink<Long> {
    @Override
    public SinkWriter<Long> createWriter(WriterInitContext context) {
      return new SinkWriter<>() {
        @Override
        public void write(Long x, Context of) {
          Seen.sum += x;
          Seen.inOrder = Seen.inOrder && x > Seen.last;
          Seen.last = x;
        }

        @Override
        public void flush(boolean endOfInput) {
          if (endOfInput) {
            Seen.lastTaken = System.nanoTime();
          }
        }

        @Override
        public void close() {}
      };
    }
  }

  /** Two threads that complete what they are given. */
  static final class Completers {
    record Handed(long x, ResultFuture<Long> done) {}

    private static final List<LinkedBlockingQueue<Handed>> QUEUES = List.of(start(), start());

    private static LinkedBlockingQueue<Handed> start() {
      LinkedBlockingQueue<Handed> queue = new LinkedBlockingQueue<>();
      Thread thread = new Thread(() -> {
        List<Handed> taken = new ArrayList<>();
        try {
          for (;;) {
            taken.add(queue.take());
            queue.drainTo(taken);
            for (Handed each : taken) {
              each.done.complete(Collections.singleton(2 * each.x));
            }
            taken.clear();
          }
        } catch (InterruptedException ended) {
          Thread.currentThread().interrupt();
        }
      });
      thread.setDaemon(true);
      thread.start();
      return queue;
    }

    static void give(long x, ResultFuture<Long> done) {
      QUEUES.get((int) (x & 1)).add(new Handed(x, done));
    }
  }

  static final class Ask implements AsyncFunction<Long, Long> {
    private static final ScheduledExecutorService TIMER = Executors.newSingleThreadScheduledExecutor(task -> {
      Thread thread = new Thread(task);
      thread.setDaemon(true);
      return thread;
    });
    private final Call call;

    Ask(Call call) {
      this.call = call;
    }

    @Override
    public void asyncInvoke(Long x, ResultFuture<Long> done) {
      if (x == 0) {
        Seen.firstAsked = System.nanoTime();
      }
      switch (call) {
        case INSTANT -> done.complete(Collections.singleton(2 * x));
        case HANDED_OVER -> Completers.give(x, done);
        case LATER -> answerAfter(1, x, done);
        case HEAD_OF_LINE -> answerAfter(x % 100 == 37 ? 500 : 5, x, done);
      }
    }

    private static void answerAfter(long ms, long x, ResultFuture<Long> done) {
      TIMER.schedule(() -> done.complete(Collections.singleton(2 * x)), ms, TimeUnit.MILLISECONDS);
    }
  }

  /** How long it took from the first call to the end, in seconds. */
  static double run(Measurement of, long records) throws Exception {
    Seen.reset();
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
    env.getConfig().enableObjectReuse();
    env.enableCheckpointing(100);
    DataStream<Long> from = env.fromSource(
        new NumberSequenceSource(0, records - 1), WatermarkStrategy.noWatermarks(), "numbers");
    SingleOutputStreamOperator<Long> twice = of.ordered()
        ? AsyncDataStream.orderedWait(from, new Ask(of.call()), 10, TimeUnit.SECONDS, of.capacity())
        : AsyncDataStream.unorderedWait(from, new Ask(of.call()), 10, TimeUnit.SECONDS, of.capacity());
    twice.sinkTo(new CheckingSink());
    env.execute("bench");
    if (Seen.sum != records * (records - 1) || (of.ordered() && !Seen.inOrder)) {
      System.err.println("weir-peer-flink: wrong result");
      System.exit(1);
    }
    return (Seen.lastTaken - Seen.firstAsked) * 1e-9;
  }

  static double cpuSeconds() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime() * 1e-9;
  }

  static double peakRssMib() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
      }
    }
    return 0;
  }

  public static void main(String[] words) throws Exception {
    List<Measurement> all = measurements();
    List<String> given = Arrays.asList(words);
    if (given.contains("--list")) {
      for (int number = 0; number < all.size(); ++number) {
        System.out.println("{" + all.get(number).described() + ",\"number\":" + number + "}");
      }
      return;
    }
    Measurement of = all.get(Integer.parseInt(words[1]));
    long records = given.contains("--quick") ? of.quickRecords() : of.records();
    for (String word : words) {
      if (word.startsWith("--records=")) {
        records = Long.parseLong(word.substring("--records=".length()));
      }
    }
    if (of.call() != Call.HEAD_OF_LINE) {
      run(of, records);
      run(of, records);
    }
    double before = cpuSeconds();
    double seconds = run(of, records);
    System.out.println(String.format(Locale.ROOT,
        "{%s,\"records\":%d,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"peak_rss_mib\":%.1f}",
        of.described(), records, seconds, cpuSeconds() - before, peakRssMib()));
    System.exit(0);
  }
}
