package kldiv;

/** A call's choices. A function looks at what concerns it; null in their place is the defaults. */
public final class Options {
    /** What is computed. */
    public enum Measure {
        /** sum p ln(p/q), the Kullback-Leibler divergence D(P || Q). */
        KL,
        /** sum (p ln(p/q) - p + q), whose every term is at least 0. */
        GENERALIZED,
        /** D(Q || P). */
        REVERSE,
        /** sum (p - q) ln(p/q); the population stability index. */
        JEFFREYS,
        /** w D(P || M) + (1 - w) D(Q || M), M = w P + (1 - w) Q. */
        JENSEN_SHANNON,
        /** Its square root. */
        JENSEN_SHANNON_DISTANCE,
        /** ln(sum p^a q^(1-a)) / (a - 1), of the order a = alpha. */
        RENYI,
        /** -sum p ln p. Q is ignored and may be null. */
        ENTROPY,
        /** -sum p ln q. */
        CROSS_ENTROPY
    }

    /** What is done about sums that are not 1. */
    public enum Normalization {
        /** The numbers are taken as they are. */
        AS_GIVEN,
        /** Each row is divided by its sum. */
        NORMALIZE,
        /** A sum further from 1 than massTolerance is an error. */
        REQUIRE
    }

    /** How rows become one number. In a loss MEAN divides by elements; over rows both divide by rows. */
    public enum Reduction {
        /** Their sum. */
        SUM,
        /** Their mean. */
        MEAN,
        /** The mean over rows. */
        BATCHMEAN
    }

    /** What a bad row does: its result is NaN and the others are answered either way. */
    public enum Invalid {
        /** The call throws. */
        ERROR,
        /** It does not. */
        NAN
    }

    /** What Monte Carlo averages, with r = ln q - ln p. */
    public enum Estimator {
        /** -r. */
        K1,
        /** r^2/2. */
        K2,
        /** e^r - 1 - r. */
        K3
    }

    /** What the values of sparse targets are. */
    public enum TopK {
        /** Logits, made to sum to 1 by themselves. */
        LOGITS_RENORMALIZED,
        /** Log-probabilities; what they lack to 1 is one more outcome. */
        LOGPROBS_TAIL,
        /** Log-probabilities, made to sum to 1 by themselves. */
        LOGPROBS_RENORMALIZED
    }

    final boolean[] mask;
    final double[] weights;
    private final Builder given;

    private Options(Builder given) {
        this.given = given;
        mask = given.mask == null ? null : given.mask.clone();
        weights = given.weights == null ? null : given.weights.clone();
    }

    /** The defaults, to choose from. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that begins with these choices. */
    public Builder toBuilder() {
        return new Builder(given);
    }

    /** All but the arrays, as C takes it. */
    Library.RawOptions raw() {
        Library.RawOptions raw = new Library.RawOptions();
        raw.structSize = new Library.Size(raw.size());
        raw.measure = given.measure.ordinal();
        raw.normalization = given.normalization.ordinal();
        raw.reduction = given.reduction.ordinal();
        raw.invalid = given.invalid.ordinal();
        raw.estimator = given.estimator.ordinal();
        raw.topk = given.topk.ordinal();
        raw.logTarget = given.logTarget ? 1 : 0;
        raw.logDensity = given.logDensity ? 1 : 0;
        raw.threads = given.threads;
        raw.dim = given.dim;
        raw.base = given.base;
        raw.alpha = given.alpha;
        raw.temperature = given.temperature;
        raw.jsWeight = given.jsWeight;
        raw.smoothing = given.smoothing;
        raw.massTolerance = given.massTolerance;
        raw.relTolerance = given.relTolerance;
        return raw;
    }

    /** Makes options. What is not set is the default. */
    public static final class Builder {
        private Measure measure = Measure.KL;
        private Normalization normalization = Normalization.AS_GIVEN;
        private Reduction reduction = Reduction.SUM;
        private Invalid invalid = Invalid.ERROR;
        private Estimator estimator = Estimator.K1;
        private TopK topk = TopK.LOGITS_RENORMALIZED;
        private boolean logTarget;
        private boolean logDensity;
        private int threads;
        private int dim;
        private double base;
        private double alpha;
        private double temperature;
        private double jsWeight;
        private double smoothing;
        private double massTolerance;
        private double relTolerance;
        private boolean[] mask;
        private double[] weights;

        private Builder() {}

        private Builder(Builder from) {
            measure = from.measure;
            normalization = from.normalization;
            reduction = from.reduction;
            invalid = from.invalid;
            estimator = from.estimator;
            topk = from.topk;
            logTarget = from.logTarget;
            logDensity = from.logDensity;
            threads = from.threads;
            dim = from.dim;
            base = from.base;
            alpha = from.alpha;
            temperature = from.temperature;
            jsWeight = from.jsWeight;
            smoothing = from.smoothing;
            massTolerance = from.massTolerance;
            relTolerance = from.relTolerance;
            mask = from.mask;
            weights = from.weights;
        }

        /** What is computed; KL. */
        public Builder measure(Measure measure) {
            this.measure = measure;
            return this;
        }

        /** What is done about sums that are not 1; AS_GIVEN. */
        public Builder normalization(Normalization normalization) {
            this.normalization = normalization;
            return this;
        }

        /** How rows become one number; SUM. */
        public Builder reduction(Reduction reduction) {
            this.reduction = reduction;
            return this;
        }

        /** What a bad row does; ERROR. */
        public Builder invalid(Invalid invalid) {
            this.invalid = invalid;
            return this;
        }

        /** What Monte Carlo averages; K1. */
        public Builder estimator(Estimator estimator) {
            this.estimator = estimator;
            return this;
        }

        /** What the values of sparse targets are; LOGITS_RENORMALIZED. */
        public Builder topk(TopK topk) {
            this.topk = topk;
            return this;
        }

        /** Whether a loss's target is ln p. */
        public Builder logTarget(boolean logTarget) {
            this.logTarget = logTarget;
            return this;
        }

        /** Whether densities return their logarithms. */
        public Builder logDensity(boolean logDensity) {
            this.logDensity = logDensity;
            return this;
        }

        /** How many threads share a large call; 0: as many as there are cores. */
        public Builder threads(int threads) {
            this.threads = threads;
            return this;
        }

        /** The dimension of a multivariate normal of low rank. */
        public Builder dim(int dim) {
            this.dim = dim;
            return this;
        }

        /** The base of the logarithm, above 1; 0: e; 2 gives bits. */
        public Builder base(double base) {
            this.base = base;
            return this;
        }

        /** The order of a Renyi divergence; it has no default. */
        public Builder alpha(double alpha) {
            this.alpha = alpha;
            return this;
        }

        /** T of softmax(a / T); 0: 1. */
        public Builder temperature(double temperature) {
            this.temperature = temperature;
            return this;
        }

        /** The weight of P in the mixture of Jensen-Shannon; 0: 1/2. */
        public Builder jsWeight(double jsWeight) {
            this.jsWeight = jsWeight;
            return this;
        }

        /** What is added to every entry; needs NORMALIZE. */
        public Builder smoothing(double smoothing) {
            this.smoothing = smoothing;
            return this;
        }

        /** How far from 1 a sum may be under REQUIRE; 0: 1e-6. */
        public Builder massTolerance(double massTolerance) {
            this.massTolerance = massTolerance;
            return this;
        }

        /** The relative error that an integral has to reach; 0: 1e-9. */
        public Builder relTolerance(double relTolerance) {
            this.relTolerance = relTolerance;
            return this;
        }

        /** For each row of p whether it is kept; others are not read and give 0. */
        public Builder mask(boolean[] mask) {
            this.mask = mask;
            return this;
        }

        /** For each row of p what its result is multiplied by. */
        public Builder weights(double[] weights) {
            this.weights = weights;
            return this;
        }

        /** The options. */
        public Options build() {
            return new Options(new Builder(this));
        }
    }
}
